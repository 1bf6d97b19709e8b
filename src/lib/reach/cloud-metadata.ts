/** The metadata services of clouds, which serve credentials, where their address is not link-local. */
export const CLOUD_METADATA: readonly string[] = [
  '168.63.129.16/32',
  '100.100.100.200/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
]
