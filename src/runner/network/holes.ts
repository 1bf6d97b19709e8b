import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Hole } from './routed/rules.ts'

/** A private host and port that the operator opens to all jobs. */
export interface Reach {
  readonly host: string
  readonly port: number
}

/** The current addresses of the hosts; those that can't be found are listed in `missing`. */
export async function findHoles(
  reach: readonly Reach[],
): Promise<{ readonly holes: readonly Hole[]; readonly missing: readonly string[] }> {
  const missing: string[] = []
  const found = await Promise.all(
    reach.map(async ({ host, port }) => {
      if (isIP(host)) return [{ address: host, port }]
      const addresses = await lookup(host, { all: true }).catch(() => [])
      if (addresses.length === 0) missing.push(host)
      return addresses.map(({ address }) => ({ address, port }))
    }),
  )
  const holes = found.flat().toSorted((a, b) => (a.address < b.address ? -1 : 1))
  return { holes, missing }
}
