import { z } from 'zod'
import {
  type Expression,
  FUNCTIONS,
  type FunctionName,
  LEVELS,
} from '../../core/expression/syntax.ts'

const functions = Object.keys(FUNCTIONS) as FunctionName[]

export const expression: z.ZodType<Expression> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('value'),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
      text: z.string().exactOptional(),
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
