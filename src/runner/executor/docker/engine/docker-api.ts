import type { Duplex } from 'node:stream'
import { z } from 'zod'
import type { ImageReference } from '../../../../core/image-reference.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { parseJson } from '../../../../lib/parse-json.ts'
import type { EngineAddress } from './docker-address.ts'
import {
  callEngine,
  type EngineAnswer,
  type EngineCall,
  hijackEngine,
  streamFromEngine,
} from './docker-http.ts'
import type { ContainerSettings } from './docker-profile.ts'
import { readPullProgress } from './docker-pull.ts'

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

/** The first with private cgroup namespaces: Docker 20.10, and what Podman says of itself. */
const OLDEST_API = 41
const PROBE_SILENCE_MS = 5_000
const IS_SO_ALREADY = /(already|is not) paused|not running|state improper/i
/** Whoever pauses has a lease that ends soon. */
const PAUSE_SILENCE_MS = 2_000
const PULL_SILENCE_MS = 600_000

export interface ContainerState {
  readonly running: boolean
  readonly oomKilled: boolean
  readonly exitCode: number
}

/** A command in a running container. Its output comes in frames (see docker-frames.ts). */
export interface ExecSettings {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** As root in this folder; absent: as the container's own user, in its own folder. */
  readonly rootIn?: string
  /** It gets a terminal of its own, and its output comes as it is, without frames. */
  readonly terminal?: boolean
}

/**
 * The few calls of the Docker Engine API that Narwhal needs, which Podman serves as well. Every method
 * rejects with NarwhalError `unavailable` when the engine does not answer or answers with an error that
 * the method's own words do not name. The API version is agreed on once, at the first call.
 */
export class DockerApi {
  readonly address: EngineAddress
  #prefix: Promise<string> | undefined

  constructor(address: EngineAddress) {
    this.address = address
  }

  /** Asks the engine whether it is there and new enough; rejects `unavailable` with what to do. */
  async ping(): Promise<void> {
    this.#prefix = undefined
    await this.#agreedPrefix()
  }

  /** Resolves to the container's id; `undefined` when the image is not there. */
  async createContainer(name: string, settings: ContainerSettings): Promise<string | undefined> {
    const path = `/containers/create?name=${encodeURIComponent(name)}`
    const answer = await this.#call({ method: 'POST', path, body: settings }, [404])
    return answer.status === 404 ? undefined : Created.parse(JSON.parse(answer.text)).Id
  }

  /**
   * Takes what a container writes from now on, in frames (see docker-frames.ts); asked before its start, all
   * of it. The stream ends with the container.
   */
  async attachContainer(id: string): Promise<Duplex> {
    const path = `${await this.#agreedPrefix()}/containers/${id}/attach?stream=1&stdout=1&stderr=1`
    const answer = await hijackEngine(this.address, { method: 'POST', path })
    if ('status' in answer) throw this.#refused('POST', path, answer)
    return answer
  }

  /** Makes a network; `settings` as the engine has them. */
  async createNetwork(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#call({ method: 'POST', path: '/networks/create', body: settings })
  }

  /** Removes a network that no container is connected to any more; also when it is not there. */
  async removeNetwork(name: string): Promise<void> {
    await this.#call({ method: 'DELETE', path: `/networks/${name}` }, [404])
  }

  /** The ids of all networks that carry this label with this value. */
  listNetworks(label: string, value: string): Promise<readonly string[]> {
    return this.#listLabelled('/networks?', label, value)
  }

  /** Starts it, unless it runs already. */
  async startContainer(id: string): Promise<void> {
    await this.#call({ method: 'POST', path: `/containers/${id}/start` }, [304])
  }

  /** Stops all its processes where they are; well, too, when it does not run or is not there. */
  async pauseContainer(id: string): Promise<void> {
    await this.#pauseOrNot(id, 'pause')
  }

  /** Lets its processes go on; well, too, when they do, when it does not run or is not there. */
  async unpauseContainer(id: string): Promise<void> {
    await this.#pauseOrNot(id, 'unpause')
  }

  /** Ends all its processes and resolves once they are gone; also when it is not there. */
  async killContainer(id: string): Promise<void> {
    const kill: EngineCall = { method: 'POST', path: `/containers/${id}/kill?signal=KILL` }
    // 409: it does not run. Or, of Podman: it is paused.
    if ((await this.#call(kill, [404, 409])).status === 409) {
      await this.unpauseContainer(id)
      await this.#call(kill, [404, 409])
    }
    const path = `/containers/${id}/wait?condition=not-running`
    await this.#call({ method: 'POST', path }, [404])
  }

  /** Resolves to its exit code when it does not run, now or later. */
  async waitContainer(id: string, signal: AbortSignal): Promise<number> {
    const path = `/containers/${id}/wait?condition=not-running`
    const answer = await this.#call({ method: 'POST', path, signal, silenceMs: 0 })
    return Waited.parse(JSON.parse(answer.text)).StatusCode
  }

  /** Kills and removes it with its anonymous volumes; also when it is not there. */
  async removeContainer(id: string): Promise<void> {
    // 409: somebody else is removing it at this moment.
    await this.#call({ method: 'DELETE', path: `/containers/${id}?force=1&v=1` }, [404, 409])
  }

  /** `undefined` when it is not there. */
  async inspectContainer(id: string): Promise<ContainerState | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/containers/${id}/json` }, [404])
    if (answer.status === 404) return undefined
    const { State } = Inspected.parse(JSON.parse(answer.text))
    return { running: State.Running, oomKilled: State.OOMKilled, exitCode: State.ExitCode }
  }

  /** Asks what no other method here asks; undefined: there is no such thing. */
  async find(path: string): Promise<unknown> {
    const answer = await this.#call({ method: 'GET', path }, [404])
    return answer.status === 404 ? undefined : JSON.parse(answer.text)
  }

  /** The ids of all containers, running or not, that carry this label with this value. */
  listContainers(label: string, value: string): Promise<readonly string[]> {
    return this.#listLabelled('/containers/json?all=1&', label, value)
  }

  /** Resolves to the id of a prepared command; `undefined` when the container does not run. */
  async createExec(container: string, settings: ExecSettings): Promise<string | undefined> {
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
    // Podman says 500 where Docker says 409.
    if (answer.status !== 500 || /not running|improper/i.test(answer.text)) return undefined
    throw this.#refused('POST', path, answer)
  }

  /** Starts a prepared command: writing goes to its standard input, reading gives frames, or a terminal. */
  async startExec(exec: string, terminal = false): Promise<Duplex> {
    const path = `${await this.#agreedPrefix()}/exec/${exec}/start`
    const body = { Detach: false, Tty: terminal }
    const answer = await hijackEngine(this.address, { method: 'POST', path, body })
    if ('status' in answer) throw this.#refused('POST', path, answer)
    return answer
  }

  /** Tells a terminal its size; well, too, when the command has ended. */
  async resizeExec(exec: string, size: { columns: number; rows: number }): Promise<void> {
    const path = `/exec/${exec}/resize?h=${size.rows}&w=${size.columns}`
    await this.#call({ method: 'POST', path }, [404, 409, 500])
  }

  /** Whether a command that was started is a process by now, or was one. */
  async hasExecBegun(exec: string): Promise<boolean> {
    const call: EngineCall = { method: 'GET', path: `/exec/${exec}/json` }
    const answer = await this.#call({ ...call, silenceMs: PAUSE_SILENCE_MS }, [404, 409, 500])
    // Nothing that is gone or in a paused container is about to begin.
    if (answer.status !== 200) return true
    const { Pid, ExitCode } = ExecInspected.parse(JSON.parse(answer.text))
    return Boolean(Pid) || typeof ExitCode === 'number'
  }

  /** The exit code of a command that has ended; `undefined` while it runs and when nobody knows it. */
  async findExecExit(exec: string): Promise<number | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/exec/${exec}/json` }, [404, 409, 500])
    if (answer.status !== 200) return undefined
    const { Running, ExitCode } = ExecInspected.parse(JSON.parse(answer.text))
    return Running ? undefined : (ExitCode ?? undefined)
  }

  /** Changes the limits of a container that runs; `settings` as in `HostConfig`. */
  async updateContainer(id: string, settings: Readonly<Record<string, number>>): Promise<void> {
    await this.#call({ method: 'POST', path: `/containers/${id}/update`, body: settings })
  }

  /** The id of what this reference means now; `undefined` when the image is not there. */
  async findImage(reference: string): Promise<string | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/images/${reference}/json` }, [404])
    return answer.status === 404 ? undefined : Created.parse(JSON.parse(answer.text)).Id
  }

  /** Pulls an image; rejects `not_found` with the engine's words when it can't be had. */
  async pullImage(image: ImageReference, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ fromImage: image.name, tag: image.version })
    const path = `${await this.#agreedPrefix()}/images/create?${query.toString()}`
    const call: EngineCall = { method: 'POST', path, silenceMs: PULL_SILENCE_MS, signal }
    const response = await streamFromEngine(this.address, call)
    const trouble = await readPullProgress(response).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new NarwhalError('unavailable', `the pull of ${image.full} broke off`, { cause: error })
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
    // 409: it is so already, or does not run. Both engines also say 500 for that, as for real trouble.
    if (answer.status !== 500 || IS_SO_ALREADY.test(answer.text)) return
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

  /** The engine's own version is the one it surely serves; what is asked of it has been stable. */
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
        `the container engine at ${this.address.url} speaks API ${ApiVersion} and Narwhal needs 1.${OLDEST_API}: use Docker 20.10 or newer, or Podman 4 or newer`,
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
