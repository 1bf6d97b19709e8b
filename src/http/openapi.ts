import type { SwaggerTransformObject } from '@fastify/swagger'
import { jsonSchemaTransformObject } from 'fastify-type-provider-zod'

/**
 * Puts the schemas that have names under `components`, and leaves out those that nothing refers
 * to: each comes in a form for requests and one for answers, and most are used in one only.
 */
export const openApiObject: SwaggerTransformObject = (document) => {
  const object = jsonSchemaTransformObject(document)
  const schemas = 'components' in object ? object.components?.schemas : undefined
  if (!schemas) return object
  for (;;) {
    const text = JSON.stringify(object)
    const unused = Object.keys(schemas).filter((name) => !text.includes(`schemas/${name}"`))
    if (unused.length === 0) return object
    for (const name of unused) delete schemas[name]
  }
}
