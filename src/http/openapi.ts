import type { SwaggerTransformObject } from '@fastify/swagger'
import { jsonSchemaTransformObject } from 'fastify-type-provider-zod'

type Document = ReturnType<SwaggerTransformObject>
interface Schema {
  readonly type?: string
  readonly anyOf?: readonly Schema[]
}

interface Operation {
  requestBody?: { required?: boolean; content: Record<string, { schema?: Schema }> }
  readonly responses: Record<string, unknown>
}

/**
 * Completes the OpenAPI document: named schemas go under `components`, every operation may answer
 * with an error, and an optional body is not required.
 */
export const openApiObject: SwaggerTransformObject = (document) => {
  const object = jsonSchemaTransformObject(document)
  for (const operations of Object.values(object.paths ?? {})) {
    for (const operation of Object.values(operations as Record<string, Operation>)) {
      describeErrors(operation)
      describeBody(operation)
    }
  }
  return withoutUnused(object)
}

const ERROR = {
  description: 'What went wrong, and what to do about it',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
}

function describeErrors({ responses }: Operation): void {
  responses['4XX'] ??= ERROR
  responses['5XX'] ??= ERROR
}

/** Fastify reads a missing body as null, which the schema then has to allow. */
function describeBody({ requestBody }: Operation): void {
  if (!requestBody) return
  for (const media of Object.values(requestBody.content)) {
    const { anyOf = [] } = media.schema ?? {}
    const [only, ...more] = anyOf.filter(({ type }) => type !== 'null')
    if (!only || more.length > 0 || anyOf.length === 1) continue
    media.schema = only
    requestBody.required = false
  }
}

/** Each named schema has an input and an output form, and most are used in one of them only. */
function withoutUnused(object: Document): Document {
  const schemas = 'components' in object ? object.components?.schemas : undefined
  if (!schemas) return object
  for (;;) {
    const text = JSON.stringify(object)
    const unused = Object.keys(schemas).filter((name) => !text.includes(`schemas/${name}"`))
    if (unused.length === 0) return object
    for (const name of unused) delete schemas[name]
  }
}
