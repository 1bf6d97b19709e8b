import type { MessageInitShape } from '@bufbuild/protobuf'
import type { GitCredentials } from '../../lib/git/git-credentials.ts'
import { present } from '../../lib/present.ts'
import type {
  GitCredentials as GitCredentialsMessage,
  GitCredentialsSchema,
} from '../gen/narwhal/v1/runner_pb.js'

export function credentialsToProto({
  http,
  ssh,
}: GitCredentials): MessageInitShape<typeof GitCredentialsSchema> {
  return { ...http, ...ssh }
}

/** Undefined if there are none. */
export function credentialsFromProto(
  message: GitCredentialsMessage | undefined,
): GitCredentials | undefined {
  if (!message) return undefined
  const { username, password, privateKey, knownHosts } = message
  const http = password === '' && username === '' ? undefined : { username, password }
  const ssh = privateKey === '' ? undefined : { privateKey, knownHosts }
  return present({ http, ssh })
}
