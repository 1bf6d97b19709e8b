import { parseEngineAddress } from '../../src/runner/executor/docker/engine/docker-address.ts'
import { callEngine } from '../../src/runner/executor/docker/engine/docker-http.ts'

/**
 * How many networks of jobs a runner has at an engine, including idle ones; those of a proof belong to no
 * job, and have another label. One request, so that nothing changes in between.
 */
export async function countJobNetworks(url: string, instance: string): Promise<number> {
  const label = [`narwhal.runner=${instance}`, 'narwhal.sandbox']
  const query = new URLSearchParams({ filters: JSON.stringify({ label }) })
  const path = `/networks?${query.toString()}`
  const { status, text } = await callEngine(parseEngineAddress(url), { method: 'GET', path })
  if (status !== 200) throw new Error(`the engine answered ${status}: ${text}`)
  return (JSON.parse(text) as unknown[]).length
}
