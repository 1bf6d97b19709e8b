import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Progress = z.object({ error: z.string().optional(), message: z.string().optional() })

/**
 * Reads a pull's progress to the end; resolves to the engine's message if it failed, else to ''. The status
 * is 200 as soon as the pull has started, so most errors are lines of the stream.
 */
export async function readPullProgress(response: IncomingMessage): Promise<string> {
  const status = response.statusCode ?? 0
  if (status !== 200) return wordsOf(await text(response)) || `the engine answered ${status}`
  let trouble = ''
  for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
    trouble ||= errorOf(line)
  }
  // readline ends silently when a stream is cut off.
  if (!response.complete) throw new Error('the engine closed the connection')
  return trouble
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
