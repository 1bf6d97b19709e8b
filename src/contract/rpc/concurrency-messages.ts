import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type {
  Concurrency as ConcurrencyMessage,
  ConcurrencySchema,
} from '../gen/narwhal/v1/runner_pb.js'

export function concurrencyToProto({
  group,
  limit,
  cancelsSuperseded,
}: Concurrency): MessageInitShape<typeof ConcurrencySchema> {
  return { group, limit, cancelSuperseded: cancelsSuperseded ?? false }
}

export function concurrencyFromProto(message: ConcurrencyMessage): Concurrency {
  const { group, limit, cancelSuperseded } = message
  return {
    group,
    limit: Math.max(1, limit),
    ...(cancelSuperseded ? { cancelsSuperseded: true } : {}),
  }
}
