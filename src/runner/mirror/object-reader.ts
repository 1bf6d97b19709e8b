import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { withSignal } from '../../lib/async/with-signal.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, startGit } from '../../lib/git/git.ts'
import { type ObjectInfo, ObjectStream } from './object-stream.ts'

const OBJECT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
const LONGEST_ANSWER_MS = 60_000

interface Talk {
  readonly process: ChildProcessWithoutNullStreams
  readonly stream: ObjectStream
  /** Aborts when the process has ended, with the reason. */
  readonly ended: AbortSignal
}

/**
 * Reads objects of one repository through a long-lived `git cat-file --batch-command`, since starting
 * a process costs more than all the reads. It sees packs that are added later, because git rescans
 * them when it misses an object.
 *
 * States: no process, running, ended. The first request starts the process; after it has failed or
 * was silent for a minute, the next request starts another. Requests are answered in order; only full
 * object names are accepted, so that none can inject a second request. Answered requests leave
 * nothing in memory: a busy repository's process lives for days.
 */
export class ObjectReader implements Disposable {
  readonly #repository: string
  readonly #env: GitEnv
  #talk: Talk | undefined
  #isEnded = false

  constructor(repository: string, env: GitEnv) {
    this.#repository = repository
    this.#env = env
  }

  /** Whether no request is in flight. */
  get isIdle(): boolean {
    return this.#talk?.stream.isIdle ?? true
  }

  /** Undefined if there is no such object. Rejects with `unavailable` if git fails. */
  async info(id: string): Promise<ObjectInfo | undefined> {
    return (await this.#ask('info', id))?.info
  }

  /**
   * The content of an object of this type. Rejects with `unavailable` if it is missing or of another
   * type, and with `too_large` if it is larger than `maxBytes`.
   */
  async read(id: string, type: string, maxBytes: number): Promise<Buffer> {
    const info = await this.info(id)
    if (info?.type !== type) {
      throw new NarwhalError('unavailable', `missing ${type} ${id} in ${this.#repository}`)
    }
    if (info.size > maxBytes) {
      throw new NarwhalError('too_large', `${type} ${id} has ${info.size} bytes`)
    }
    const answer = await this.#ask('contents', id)
    if (answer) return answer.content
    throw new NarwhalError('unavailable', `missing ${type} ${id} in ${this.#repository}`)
  }

  [Symbol.dispose](): void {
    this.#isEnded = true
    this.#drop()
  }

  async #ask(command: 'info' | 'contents', id: string) {
    if (!OBJECT_ID.test(id)) throw new NarwhalError('invalid', `${id} isn't an object name`)
    if (this.#isEnded) throw new NarwhalError('cancelled', 'the runner is shutting down')
    const talk = (this.#talk ??= this.#start())
    const answer = talk.stream.expect(command === 'contents')
    talk.process.stdin.write(`${command} ${id}\n`)
    const timer = setTimeout(() => talk.process.kill('SIGKILL'), LONGEST_ANSWER_MS)
    try {
      return await withSignal(answer, talk.ended)
    } finally {
      clearTimeout(timer)
    }
  }

  #start(): Talk {
    const process = startGit([`--git-dir=${this.#repository}`, 'cat-file', '--batch-command'], {
      env: this.#env,
    })
    const stream = new ObjectStream()
    let stderr = ''
    const end = new AbortController()
    const talk: Talk = { process, stream, ended: end.signal }
    const fail = (why: string, cause?: unknown): void => {
      if (this.#talk === talk) this.#talk = undefined
      process.kill('SIGKILL')
      end.abort(new NarwhalError('unavailable', `git cat-file failed: ${why}`, { cause }))
    }
    process.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-1000)
    })
    process.stdout.on('data', (chunk: Buffer) => {
      try {
        stream.push(chunk)
      } catch (error) {
        fail(describeError(error), error)
      }
    })
    process.stdin.on('error', () => {})
    process.on('error', (error) => fail(describeError(error), error))
    process.on('close', () => fail(stderr.trim() || 'it ended'))
    // It must not keep this process alive; it ends with its input, and so with this process.
    process.unref()
    return talk
  }

  #drop(): void {
    this.#talk?.process.stdin.end()
    this.#talk?.process.kill()
    this.#talk = undefined
  }
}
