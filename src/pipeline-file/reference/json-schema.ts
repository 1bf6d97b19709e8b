import { z } from 'zod'
import { anyFile } from '../schema/file.ts'

/** The JSON Schema of `narwhal.yml` (draft 2020-12), for editors; generated from the parser's schema. */
export function pipelineFileJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(anyFile, { io: 'input' })
  return { $schema, $id: 'urn:narwhal:narwhal.yml', title: 'narwhal.yml', ...schema }
}
