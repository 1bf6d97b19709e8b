import assert from 'node:assert/strict'
import type { z } from 'zod'
import type { Installation } from './installation.ts'
import { bearer } from './tokens.ts'

export const JSON_TYPE = { 'content-type': 'application/json' }

/** Calls the API and checks the answer against its schema. */
export function asker({ url, token }: Pick<Installation, 'url' | 'token'>) {
  return async <Schema extends z.ZodType>(
    call: string,
    status: number,
    schema: Schema,
    body?: unknown,
  ): Promise<z.output<Schema>> => {
    const [method = '', path = ''] = call.split(' ')
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = { ...bearer(token), ...(body === undefined ? {} : JSON_TYPE) }
    const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...sent })
    const text = await response.text()
    assert.equal(response.status, status, `${call}: ${text}`)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    return schema.parse(JSON.parse(text))
  }
}
