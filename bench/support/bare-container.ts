import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  type EngineAddress,
  parseEngineAddress,
} from '../../src/runner/executor/docker/engine/docker-address.ts'
import { callEngine } from '../../src/runner/executor/docker/engine/docker-http.ts'
import { findProgram } from '../../test/support/services/programs.ts'

const run = promisify(execFile)

/** `default`: the engine's usual network, which the containers of Narwhal have. */
export type Network = 'default' | 'none'

/** Runs a command in a container of its own, from nothing to its removal, without Narwhal. */
export interface BareContainer {
  /** How it does it: `docker run --rm`, or the same by the Engine API. */
  readonly how: string
  /** Resolves to milliseconds; throws when the command fails. */
  measure(network: Network, signal: AbortSignal): Promise<number>
}

export interface BareOptions {
  /** `unix:///…` or `tcp://…`. */
  readonly engine: string
  readonly image: string
  readonly command: readonly string[]
}

export function bareContainer(options: BareOptions): BareContainer {
  const docker = findProgram('docker')
  return {
    how: docker
      ? 'docker run --rm'
      : 'create, start, wait, remove by the Engine API (no docker CLI)',
    measure: async (network, signal) => {
      const startedAt = performance.now()
      if (docker) await byCli(docker, options, network, signal)
      else await byApi(parseEngineAddress(options.engine), options, network, signal)
      return performance.now() - startedAt
    },
  }
}

async function byCli(
  docker: string,
  { engine, image, command }: BareOptions,
  network: Network,
  signal: AbortSignal,
): Promise<void> {
  const args = ['run', '--rm', '--network', network, image, ...command]
  const { PATH, HOME } = process.env
  await run(docker, args, { env: { PATH, HOME, DOCKER_HOST: engine }, signal })
}

/** Never aborted half-way: a container that nobody knows of would stay. */
async function byApi(
  address: EngineAddress,
  { image, command }: BareOptions,
  network: Network,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const call = async (method: 'POST' | 'DELETE', path: string, body?: object): Promise<string> => {
    const answer = await callEngine(address, { method, path, ...(body ? { body } : {}) })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.text
  }
  const settings = { Image: image, Cmd: command, HostConfig: { NetworkMode: network } }
  const { Id } = JSON.parse(await call('POST', '/containers/create', settings)) as { Id: string }
  await call('POST', `/containers/${Id}/start`)
  const { StatusCode } = JSON.parse(await call('POST', `/containers/${Id}/wait`)) as {
    StatusCode: number
  }
  await call('DELETE', `/containers/${Id}?force=1&v=1`)
  if (StatusCode !== 0) throw new Error(`the bare container ended with ${StatusCode}`)
}

/** `Docker 27.1.0, cgroup v2, overlay2`, as the engine says. */
export async function describeEngine(engine: string): Promise<string> {
  const ask = async (path: string) => {
    const answer = await callEngine(parseEngineAddress(engine), { method: 'GET', path })
    return JSON.parse(answer.text) as Record<string, string>
  }
  const { ServerVersion, CgroupVersion, Driver } = await ask('/info')
  return `Docker ${ServerVersion}, cgroup v${CgroupVersion}, ${Driver}`
}
