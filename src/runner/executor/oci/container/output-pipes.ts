import { closeSync, constants, openSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { openReader } from '../../../../lib/pipes/open-fifo.ts'
import type { ContainerOutput, OutputPart } from '../../containers/container-engine.ts'
import type { OutputStream } from '../../executor.ts'
import type { FifoPaths } from '../../pipes/step-pipes.ts'

/**
 * The output of a program that is about to start: FIFOs, since Node would give it sockets, which can't be opened
 * through /dev/stdout; open to every user, so that those of a container can. *Waiting* for the program, *following*
 * once it has the ends for writing, until all of them are closed or somebody hangs up.
 */
export class OutputPipes implements ContainerOutput {
  readonly #readers: Readonly<Record<OutputStream, Socket>>
  #writers: readonly number[]
  readonly parts: AsyncIterable<readonly OutputPart[]>

  readonly paths: FifoPaths

  /** Takes the FIFOs. */
  constructor(paths: FifoPaths) {
    this.paths = paths
    // O_NONBLOCK would be the program's, too: the readers are there already, so opening doesn't wait.
    this.#readers = { stdout: openReader(paths.stdout), stderr: openReader(paths.stderr) }
    this.#writers = [paths.stdout, paths.stderr].map((path) => openSync(path, constants.O_WRONLY))
    for (const reader of Object.values(this.#readers)) reader.on('error', () => {})
    this.parts = merged(this.#readers)
  }

  /** The descriptors for the program. */
  get writers(): readonly [number, number] {
    const [stdout = -1, stderr = -1] = this.#writers
    return [stdout, stderr]
  }

  /** The program has its ends: the output ends with it, and the FIFOs lose their names. */
  handOver(): void {
    for (const path of [this.paths.stdout, this.paths.stderr]) rmSync(path, { force: true })
    for (const fd of this.#writers) closeSync(fd)
    this.#writers = []
  }

  hangUp(): void {
    this.handOver()
    for (const reader of Object.values(this.#readers)) reader.destroy()
  }
}

type Next = { readonly stream: OutputStream; readonly result: IteratorResult<Buffer> }

/** Each stream in its order, as it arrives; a reader that is slow slows the writers. */
async function* merged(
  readers: Readonly<Record<OutputStream, Socket>>,
): AsyncGenerator<readonly OutputPart[], void, undefined> {
  const waiting = new Map<OutputStream, Promise<Next>>()
  const ends: IteratorResult<Buffer> = { done: true, value: undefined }
  const iterators = {
    stdout: readers.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    stderr: readers.stderr[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
  }
  const ask = async (stream: OutputStream): Promise<Next> => {
    // One that was destroyed has ended.
    const result = await iterators[stream].next().catch(() => ends)
    return { stream, result }
  }
  for (const stream of ['stdout', 'stderr'] as const) waiting.set(stream, ask(stream))
  while (waiting.size > 0) {
    const { stream, result } = await Promise.race(waiting.values())
    if (result.done) {
      waiting.delete(stream)
    } else {
      waiting.set(stream, ask(stream))
      yield [{ stream, chunk: result.value }]
    }
  }
}
