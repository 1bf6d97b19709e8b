import type { MessageInitShape } from '@bufbuild/protobuf'
import type { IdTokenSpec } from '../../core/id-token/id-token.ts'
import { type IdToken, type IdTokenSchema, IdTokenSubject } from '../gen/narwhal/v1/runner_pb.js'
import { lookUp } from '../rpc/rpc.ts'

/** The id tokens of a job between the generated messages and the domain. */

type Subject = NonNullable<IdTokenSpec['subject']> | 'ref'

const SUBJECTS: Record<Subject, IdTokenSubject> = {
  ref: IdTokenSubject.UNSPECIFIED,
  job: IdTokenSubject.JOB,
}

type Specs = Readonly<Record<string, IdTokenSpec>>

export function idTokensToProto(
  tokens: Specs | undefined,
): Record<string, MessageInitShape<typeof IdTokenSchema>> {
  return Object.fromEntries(
    Object.entries(tokens ?? {}).map(([name, spec]) => [
      name,
      {
        audience: typeof spec.audience === 'string' ? [spec.audience] : [...spec.audience],
        isList: typeof spec.audience !== 'string',
        lifetimeMs: spec.lifetimeMs ?? 0,
        subject: SUBJECTS[spec.subject ?? 'ref'],
        optional: spec.optional ?? false,
      },
    ]),
  )
}

/** Throws `invalid` for a word that is not known here. */
export function idTokensFromProto(tokens: { [name: string]: IdToken }): { idTokens?: Specs } {
  const specs = Object.entries(tokens).map(([name, token]): [string, IdTokenSpec] => {
    const { audience, isList, lifetimeMs, optional } = token
    const subject = lookUp(SUBJECTS, token.subject, 'subject')
    return [
      name,
      {
        audience: isList ? audience : (audience[0] ?? ''),
        ...(lifetimeMs === 0 ? {} : { lifetimeMs }),
        ...(subject === 'ref' ? {} : { subject }),
        ...(optional ? { optional } : {}),
      },
    ]
  })
  return specs.length > 0 ? { idTokens: Object.fromEntries(specs) } : {}
}
