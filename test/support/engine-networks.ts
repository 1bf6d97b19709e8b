import { parseEngineAddress } from '../../src/runner/executor/docker/engine/docker-address.ts'
import { callEngine } from '../../src/runner/executor/docker/engine/docker-http.ts'

/**
 * How many networks of jobs a runner has at an engine, those too that wait empty for the next job; what a proof
 * has for a moment is of no job, and carries another label. One question, so that nothing changes between two.
 */
export async function countJobNetworks(url: string, instance: string): Promise<number> {
  const label = [`narwhal.runner=${instance}`, 'narwhal.sandbox']
  const query = new URLSearchParams({ filters: JSON.stringify({ label }) })
  const path = `/networks?${query.toString()}`
  const { status, text } = await callEngine(parseEngineAddress(url), { method: 'GET', path })
  if (status !== 200) throw new Error(`the engine answered ${status}: ${text}`)
  return (JSON.parse(text) as unknown[]).length
}
