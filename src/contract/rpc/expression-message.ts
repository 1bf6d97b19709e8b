import { z } from 'zod'
import {
  type Expression,
  FUNCTIONS,
  type FunctionName,
  LEVELS,
} from '../../core/expression/syntax.ts'
import type { OnlyIf } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { OnlyIf as OnlyIfMessage } from '../gen/narwhal/v1/runner_pb.js'

/** An expression between messages and the domain; it may come from anybody's runner. */

const MOST_CHARACTERS = 256 * 1024
/** The deepest that a file can hold nests less; reading and evaluating it go down as deep. */
const DEEPEST = 600

const functions = Object.keys(FUNCTIONS) as FunctionName[]

const expression: z.ZodType<Expression> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('value'),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    }),
    z.object({ kind: z.literal('list'), items: z.array(expression) }),
    z.object({ kind: z.literal('name'), name: z.string(), at: z.number() }),
    z.object({ kind: z.literal('not'), of: expression }),
    z.object({
      kind: z.literal('binary'),
      operator: z.enum(LEVELS.flat()),
      left: expression,
      right: expression,
    }),
    z.object({ kind: z.literal('call'), name: z.enum(functions), args: z.array(expression) }),
  ]),
)

export function onlyIfToProto({ text, expression: one }: OnlyIf) {
  return { text, expression: JSON.stringify(one) }
}

/** Throws `invalid` for what is no expression. */
export function onlyIfFromProto({ text, expression: json }: OnlyIfMessage): OnlyIf {
  const read = isBounded(json) ? expression.safeParse(parseJson(json)) : undefined
  if (!read?.success) {
    throw new NarwhalError('invalid', 'a plan has a condition that can not be read')
  }
  return { text, expression: read.data }
}

/** Looked at before it is parsed. */
function isBounded(json: string): boolean {
  if (json.length > MOST_CHARACTERS) return false
  let depth = 0
  let deepest = 0
  let isText = false
  for (let at = 0; at < json.length; at++) {
    const sign = json[at]
    if (isText && sign === '\\') at++
    else if (sign === '"') isText = !isText
    else if (!isText && (sign === '{' || sign === '[')) deepest = Math.max(deepest, ++depth)
    else if (!isText && (sign === '}' || sign === ']')) depth--
  }
  return deepest <= DEEPEST
}
