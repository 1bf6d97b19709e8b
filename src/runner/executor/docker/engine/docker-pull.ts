import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Progress = z.object({
  error: z.string().optional(),
  message: z.string().optional(),
  /** Of a layer, if there is an `id` as well. */
  status: z.string().optional(),
  id: z.string().optional(),
})

const MOST_LAYERS = 1000

/**
 * Reads a pull's progress to the end, with a line for each layer that is there; resolves to the engine's message
 * if it failed, else to ''. The status is 200 as soon as the pull has started, so most errors are lines of the stream.
 */
export async function readPullProgress(
  response: IncomingMessage,
  onProgress: (line: string) => void,
): Promise<string> {
  const status = response.statusCode ?? 0
  if (status !== 200) return wordsOf(await text(response)) || `the engine answered ${status}`
  let trouble = ''
  const layers = new PulledLayers(onProgress)
  for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
    trouble ||= errorOf(line)
    layers.read(line)
  }
  // readline ends silently when a stream is cut off.
  if (!response.complete) throw new Error('the engine closed the connection')
  return trouble
}

/** Which of an image's layers the engine has. */
class PulledLayers {
  readonly #ids = new Set<string>()
  readonly #there = new Set<string>()
  readonly #onProgress: (line: string) => void

  constructor(onProgress: (line: string) => void) {
    this.#onProgress = onProgress
  }

  /** Most lines are of downloads, many a second, and are not parsed. */
  read(line: string): void {
    if (!/"(?:Pulling fs layer|Already exists|Pull complete)"/.test(line)) return
    const { status, id } = parse(line) ?? {}
    if (id === undefined || this.#ids.size > MOST_LAYERS) return
    this.#ids.add(id)
    if (status === 'Pulling fs layer') return
    this.#there.add(id)
    this.#onProgress(`layer ${this.#there.size} of ${this.#ids.size} is unpacked`)
  }
}

function errorOf(line: string): string {
  if (!line.includes('"error"')) return ''
  return parse(line)?.error ?? ''
}

function wordsOf(body: string): string {
  return parse(body)?.message?.trim() ?? body.trim().slice(0, 300)
}

function parse(json: string): z.infer<typeof Progress> | undefined {
  try {
    return Progress.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}
