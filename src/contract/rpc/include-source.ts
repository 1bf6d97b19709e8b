import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type {
  IncludeSource as IncludeSourceMessage,
  IncludeSourceSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import { repositoryId } from '../rest/views.ts'

/** A repository that pipeline files may be included from, by the operator's choice. */
export interface IncludeSource {
  /** `owner/name`, as files write it. */
  readonly name: string
  readonly repositoryId: RepositoryId
  readonly cloneUrl: string
}

export function includeSourceToProto(
  source: IncludeSource,
): MessageInitShape<typeof IncludeSourceSchema> {
  return { ...source }
}

/** Throws `invalid` if a part is malformed: ids reach paths. */
export function includeSourceFromProto(message: IncludeSourceMessage): IncludeSource {
  const id = repositoryId.safeParse(message.repositoryId)
  if (!id.success) throw new NarwhalError('invalid', 'the request has a malformed repository id')
  const { name, cloneUrl } = message
  return { name, repositoryId: id.data, cloneUrl }
}
