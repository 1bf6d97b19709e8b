import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { GitCredentials } from '../../lib/git/git-credentials.ts'
import { present } from '../../lib/present.ts'
import type {
  IncludeSource as IncludeSourceMessage,
  IncludeSourceSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import { repositoryId } from '../rest/views.ts'
import { credentialsFromProto, credentialsToProto } from './git-credentials.ts'

/** A repository that pipeline files may be included from, by the operator's choice. */
export interface IncludeSource {
  /** `owner/name`, as files write it. */
  readonly name: string
  readonly repositoryId: RepositoryId
  readonly cloneUrl: string
  /** Of the repository, for the server of its clone URL alone. */
  readonly credentials?: GitCredentials
}

export function includeSourceToProto(
  source: IncludeSource,
): MessageInitShape<typeof IncludeSourceSchema> {
  const { credentials, ...rest } = source
  return { ...rest, ...present({ credentials: credentials && credentialsToProto(credentials) }) }
}

/** Throws `invalid` if a part is malformed: ids reach paths. */
export function includeSourceFromProto(message: IncludeSourceMessage): IncludeSource {
  const id = repositoryId.safeParse(message.repositoryId)
  if (!id.success) throw new NarwhalError('invalid', 'the request has a malformed repository id')
  const { name, cloneUrl } = message
  const credentials = credentialsFromProto(message.credentials)
  return { name, repositoryId: id.data, cloneUrl, ...present({ credentials }) }
}
