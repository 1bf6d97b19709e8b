import type { Duplex } from 'node:stream'
import { z } from 'zod'
import type { ImageReference } from '../../../../core/image-reference.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { parseJson } from '../../../../lib/parse-json.ts'
import type { ContainerState, ExecSettings } from '../../containers/container-engine.ts'
import type { EngineAddress } from './docker-address.ts'
import {
  callEngine,
  type EngineAnswer,
  type EngineCall,
  hijackEngine,
  streamFromEngine,
} from './docker-http.ts'
import { readPullProgress } from './docker-pull.ts'
import type { ContainerSettings } from './docker-settings.ts'

const Version = z.object({ ApiVersion: z.string().regex(/^\d+\.\d+$/) })
const Created = z.object({ Id: z.string() })
const Listed = z.array(z.object({ Id: z.string() }))
const Inspected = z.object({
  State: z.object({ Running: z.boolean(), OOMKilled: z.boolean(), ExitCode: z.int() }),
})
const Waited = z.object({ StatusCode: z.int() })
const ExecInspected = z.object({
  Running: z.boolean(),
  ExitCode: z.int().nullish(),
  Pid: z.int().nullish(),
})
const Words = z.object({ message: z.string() })

/** The first with private cgroup namespaces: Docker 20.10, and the version that Podman reports. */
const OLDEST_API = 41
const PROBE_SILENCE_MS = 5_000
const NOTHING_TO_DO = /(already|is not) paused|not running|state improper/i
/** Short, since callers pause while a lease runs out. */
const PAUSE_SILENCE_MS = 2_000
const PULL_SILENCE_MS = 600_000

/** A command in a running container. Its output is framed (see docker-frames.ts). */
export interface ExecCommand extends ExecSettings {
  /** With a terminal, whose output is not framed. */
  readonly terminal?: boolean
}

export interface PullImage {
  readonly image: ImageReference
  readonly login: EngineLogin | undefined
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal
}

/** A login as the Engine API has it. */
export type EngineLogin = { readonly serveraddress: string } & (
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string }
)

function authOf(login: EngineLogin | undefined): Readonly<Record<string, string>> {
  if (!login) return {}
  // With padding: without it the engine ignores the login, and says nothing.
  const base64 = Buffer.from(JSON.stringify(login)).toString('base64')
  return { 'x-registry-auth': base64.replaceAll('+', '-').replaceAll('/', '_') }
}

/** The containers that Podman says have to be removed before this one. */
function dependentsOf(id: string, text: string): readonly string[] {
  const [, list = ''] = /dependent containers([\s\S]*)/.exec(text) ?? []
  return [...list.matchAll(/\b[0-9a-f]{64}\b/g)].map(([found]) => found).filter((one) => one !== id)
}

/**
 * The few calls of the Docker Engine API that Narwhal needs, which Podman serves as well. Every method
 * rejects with `unavailable` when the engine does not answer, or answers with an error that the method's
 * docstring does not name. The API version is negotiated once, at the first call.
 */
export class DockerApi {
  readonly address: EngineAddress
  #prefix: Promise<string> | undefined

  constructor(address: EngineAddress) {
    this.address = address
  }

  /** Checks that the engine answers and is new enough; rejects with `unavailable` and what to do. */
  async ping(): Promise<void> {
    this.#prefix = undefined
    await this.#agreedPrefix()
  }

  /** Resolves to the container's id; `undefined` if the image does not exist. */
  async createContainer(name: string, settings: ContainerSettings): Promise<string | undefined> {
    const path = `/containers/create?name=${encodeURIComponent(name)}`
    const answer = await this.#call({ method: 'POST', path, body: settings }, [404])
    return answer.status === 404 ? undefined : Created.parse(JSON.parse(answer.text)).Id
  }

  /**
   * A stream of the container's output from now on, in frames (see docker-frames.ts); all of it if called
   * before its start. It ends with the container.
   */
  async attachContainer(id: string): Promise<Duplex> {
    const path = `${await this.#agreedPrefix()}/containers/${id}/attach?stream=1&stdout=1&stderr=1`
    const answer = await hijackEngine(this.address, { method: 'POST', path })
    if ('status' in answer) throw this.#refused('POST', path, answer)
    return answer
  }

  /** Creates a network; `settings` as in the Engine API. */
  async createNetwork(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#call({ method: 'POST', path: '/networks/create', body: settings })
  }

  /** Removes a network without containers. Idempotent. */
  async removeNetwork(name: string): Promise<void> {
    await this.#call({ method: 'DELETE', path: `/networks/${name}` }, [404])
  }

  /** The ids of all networks that carry this label with this value. */
  listNetworks(label: string, value: string): Promise<readonly string[]> {
    return this.#listLabelled('/networks?', label, value)
  }

  /** Starts it. Idempotent. */
  async startContainer(id: string): Promise<void> {
    await this.#call({ method: 'POST', path: `/containers/${id}/start` }, [304])
  }

  /** Pauses the container. Idempotent; no error if it is not running or does not exist. */
  async pauseContainer(id: string): Promise<void> {
    await this.#pauseOrNot(id, 'pause')
  }

  /** Resumes the container. Idempotent; no error if it is not running or does not exist. */
  async unpauseContainer(id: string): Promise<void> {
    await this.#pauseOrNot(id, 'unpause')
  }

  /** Kills all its processes and resolves once they are gone. Idempotent. */
  async killContainer(id: string): Promise<void> {
    const kill: EngineCall = { method: 'POST', path: `/containers/${id}/kill?signal=KILL` }
    // 409: it is not running, or, with Podman, it is paused.
    if ((await this.#call(kill, [404, 409])).status === 409) {
      await this.unpauseContainer(id)
      await this.#call(kill, [404, 409])
    }
    const path = `/containers/${id}/wait?condition=not-running`
    await this.#call({ method: 'POST', path }, [404])
  }

  /** Resolves to its exit code when it is not running, now or later. */
  async waitContainer(id: string, signal: AbortSignal): Promise<number> {
    const path = `/containers/${id}/wait?condition=not-running`
    const answer = await this.#call({ method: 'POST', path, signal, silenceMs: 0 })
    return Waited.parse(JSON.parse(answer.text)).StatusCode
  }

  /** Kills and removes it, with its anonymous volumes. Idempotent. */
  async removeContainer(id: string): Promise<void> {
    const remove: EngineCall = { method: 'DELETE', path: `/containers/${id}?force=1&v=1` }
    // 409: its removal is in progress.
    const answer = await this.#call(remove, [404, 409, 500])
    if (answer.status !== 500) return
    // Podman removes no paused container, and none before those that share its network.
    for (const other of dependentsOf(id, answer.text)) await this.removeContainer(other)
    await this.unpauseContainer(id).catch(() => {})
    await this.#call(remove, [404, 409])
  }

  /** `undefined` if it does not exist. */
  async inspectContainer(id: string): Promise<ContainerState | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/containers/${id}/json` }, [404])
    if (answer.status === 404) return undefined
    const { State } = Inspected.parse(JSON.parse(answer.text))
    return { running: State.Running, oomKilled: State.OOMKilled, exitCode: State.ExitCode }
  }

  /** A GET without a method of its own; undefined if there is no such thing. */
  async find(path: string): Promise<unknown> {
    const answer = await this.#call({ method: 'GET', path }, [404])
    return answer.status === 404 ? undefined : JSON.parse(answer.text)
  }

  /** The ids of all containers, running or not, that carry this label with this value. */
  listContainers(label: string, value: string): Promise<readonly string[]> {
    return this.#listLabelled('/containers/json?all=1&', label, value)
  }

  /** Resolves to the id of a prepared command; `undefined` if the container is not running. */
  async createExec(container: string, settings: ExecCommand): Promise<string | undefined> {
    const body = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: settings.terminal ?? false,
      ...(settings.rootIn === undefined ? {} : { User: '0:0', WorkingDir: settings.rootIn }),
      Env: Object.entries(settings.env).map(([name, value]) => `${name}=${value}`),
      Cmd: settings.command,
    }
    const path = `/containers/${container}/exec`
    const answer = await this.#call({ method: 'POST', path, body }, [404, 409, 500])
    if (answer.status === 201) return Created.parse(JSON.parse(answer.text)).Id
    // Podman answers 500 where Docker answers 409.
    if (answer.status !== 500 || /not running|improper/i.test(answer.text)) return undefined
    throw this.#refused('POST', path, answer)
  }

  /** Starts a prepared command; writes are its standard input, reads are frames, or a terminal's output. */
  async startExec(exec: string, terminal = false): Promise<Duplex> {
    const path = `${await this.#agreedPrefix()}/exec/${exec}/start`
    const body = { Detach: false, Tty: terminal }
    const answer = await hijackEngine(this.address, { method: 'POST', path, body })
    if ('status' in answer) throw this.#refused('POST', path, answer)
    return answer
  }

  /** Resizes a terminal; no error if the command has ended. */
  async resizeExec(exec: string, size: { columns: number; rows: number }): Promise<void> {
    const path = `/exec/${exec}/resize?h=${size.rows}&w=${size.columns}`
    await this.#call({ method: 'POST', path }, [404, 409, 500])
  }

  /** Whether a started command is a process by now, or was one. */
  async hasExecBegun(exec: string): Promise<boolean> {
    const call: EngineCall = { method: 'GET', path: `/exec/${exec}/json` }
    const answer = await this.#call({ ...call, silenceMs: PAUSE_SILENCE_MS }, [404, 409, 500])
    // Nothing that is gone, or in a paused container, is about to start.
    if (answer.status !== 200) return true
    const { Pid, ExitCode } = ExecInspected.parse(JSON.parse(answer.text))
    return Boolean(Pid) || typeof ExitCode === 'number'
  }

  /** The exit code of a command that has ended; `undefined` while it runs, or if it is no longer known. */
  async findExecExit(exec: string): Promise<number | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/exec/${exec}/json` }, [404, 409, 500])
    if (answer.status !== 200) return undefined
    const { Running, ExitCode } = ExecInspected.parse(JSON.parse(answer.text))
    return Running ? undefined : (ExitCode ?? undefined)
  }

  /** Changes the limits of a running container; `settings` as in `HostConfig`. */
  async updateContainer(id: string, settings: Readonly<Record<string, number>>): Promise<void> {
    await this.#call({ method: 'POST', path: `/containers/${id}/update`, body: settings })
  }

  /** The id of the image that this reference names now; `undefined` if it does not exist. */
  async findImage(reference: string): Promise<string | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/images/${reference}/json` }, [404])
    return answer.status === 404 ? undefined : Created.parse(JSON.parse(answer.text)).Id
  }

  /** Pulls an image; rejects with `not_found` and the engine's message if that fails. */
  async pullImage({ image, login, onProgress, signal }: PullImage): Promise<void> {
    const query = new URLSearchParams({ fromImage: image.name, tag: image.version })
    const path = `${await this.#agreedPrefix()}/images/create?${query.toString()}`
    const call: EngineCall = {
      method: 'POST',
      path,
      silenceMs: PULL_SILENCE_MS,
      signal,
      headers: authOf(login),
    }
    const response = await streamFromEngine(this.address, call)
    const trouble = await readPullProgress(response, onProgress).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new NarwhalError('unavailable', `the pull of ${image.full} was interrupted`, {
        cause: error,
      })
    })
    if (trouble !== '') {
      throw new NarwhalError('not_found', `image ${image.full} can't be pulled: ${trouble}`)
    }
  }

  async #listLabelled(path: string, label: string, value: string): Promise<readonly string[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${label}=${value}`] }))
    const answer = await this.#call({ method: 'GET', path: `${path}filters=${filters}` })
    return Listed.parse(JSON.parse(answer.text)).map(({ Id }) => Id)
  }

  async #pauseOrNot(id: string, verb: 'pause' | 'unpause'): Promise<void> {
    const path = `/containers/${id}/${verb}`
    const answer = await this.#call(
      { method: 'POST', path, silenceMs: PAUSE_SILENCE_MS },
      [404, 409, 500],
    )
    // 409: nothing to do, or it is not running. Both engines also answer 500 for that, as for real failures.
    if (answer.status !== 500 || NOTHING_TO_DO.test(answer.text)) return
    throw this.#refused('POST', path, answer)
  }

  async #call(call: EngineCall, accepted: readonly number[] = []): Promise<EngineAnswer> {
    const path = `${await this.#agreedPrefix()}${call.path}`
    const answer = await callEngine(this.address, { ...call, path })
    const { status } = answer
    if ((status >= 200 && status < 300) || accepted.includes(status)) return answer
    throw this.#refused(call.method, call.path, answer)
  }

  #agreedPrefix(): Promise<string> {
    this.#prefix ??= this.#agree().catch((error: unknown) => {
      this.#prefix = undefined
      throw error
    })
    return this.#prefix
  }

  /** The engine's current version is the one it certainly serves; the calls used here have been stable. */
  async #agree(): Promise<string> {
    const call: EngineCall = { method: 'GET', path: '/version', silenceMs: PROBE_SILENCE_MS }
    const answer = await callEngine(this.address, call)
    const version = Version.safeParse(parseJson(answer.text))
    if (answer.status !== 200 || !version.success) throw this.#refused('GET', '/version', answer)
    const { ApiVersion } = version.data
    const [major = 0, minor = 0] = ApiVersion.split('.').map(Number)
    if (major === 1 && minor < OLDEST_API) {
      throw new NarwhalError(
        'unavailable',
        `the container engine at ${this.address.url} supports API ${ApiVersion}, but Narwhal needs 1.${OLDEST_API}: use Docker 20.10 or newer, or Podman 5.4 or newer`,
      )
    }
    return `/v${ApiVersion}`
  }

  #refused(method: string, path: string, { status, text }: EngineAnswer): NarwhalError {
    const said = Words.safeParse(parseJson(text))
    const words = said.success ? said.data.message.trim() : text.trim().slice(0, 300)
    return new NarwhalError(
      'unavailable',
      `the container engine at ${this.address.url} refused ${method} ${path.split('?')[0]}: ${status} ${words}`,
    )
  }
}
