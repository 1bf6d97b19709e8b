import { request } from 'node:http'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** One call to the Engine API; resolves to the answer's text, rejects when it isn't a 2xx. */
export async function callDocker(
  socketPath: string,
  method: string,
  path: string,
  body?: { readonly type: string; readonly content: Readable },
): Promise<string> {
  const call = request({ socketPath, path, method })
  if (body) call.setHeader('content-type', body.type)
  const answer = new Promise<string>((resolve, reject) => {
    call.on('error', reject)
    call.on('response', (response) => {
      const { statusCode = 0 } = response
      const failed = (why: string) => new Error(`${method} ${path}: ${statusCode} ${why}`)
      text(response).then((why) => (statusCode < 300 ? resolve(why) : reject(failed(why))), reject)
    })
  })
  if (body) await Promise.all([pipeline(body.content, call), answer])
  else call.end()
  return answer
}

/** A container that ignores SIGTERM would delay the Engine's stop, and one that outlives it runs on. */
export async function removeContainers(socketPath: string): Promise<void> {
  const list = await callDocker(socketPath, 'GET', '/containers/json?all=1')
  for (const { Id } of JSON.parse(list) as { Id: string }[]) {
    await callDocker(socketPath, 'DELETE', `/containers/${Id}?force=1&v=1`).catch(() => {})
  }
}

/** Their bridges would outlive the engine. It refuses to remove those that are its own. */
export async function removeNetworks(socketPath: string): Promise<void> {
  const list = await callDocker(socketPath, 'GET', '/networks')
  for (const { Id } of JSON.parse(list) as { Id: string }[]) {
    await callDocker(socketPath, 'DELETE', `/networks/${Id}`).catch(() => {})
  }
}
