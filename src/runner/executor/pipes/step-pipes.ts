import { type FileHandle, open } from 'node:fs/promises'
import type { OutputListener, OutputStream } from '../executor.ts'
import { EndMarker } from './end-marker.ts'
import { PipeReader } from './pipe-reader.ts'

interface Pipe {
  readonly reader: PipeReader
  readonly writer: FileHandle
}

/** Two FIFOs that nobody else uses. */
export interface FifoPaths {
  readonly stdout: string
  readonly stderr: string
}

/**
 * The pipes that one step writes to. FIFOs, since they can be reopened through /dev/stdout and in a
 * container; this process keeps a writing end of each, to write the end marker after the script has ended.
 */
export class StepPipes implements AsyncDisposable {
  readonly #stdout: Pipe
  readonly #stderr: Pipe

  private constructor(stdout: Pipe, stderr: Pipe) {
    this.#stdout = stdout
    this.#stderr = stderr
  }

  /** Opens both ends of the FIFOs; this process does not need their names any more. */
  static async open(paths: FifoPaths): Promise<StepPipes> {
    const stdout = await openPipe(paths.stdout)
    try {
      return new StepPipes(stdout, await openPipe(paths.stderr))
    } catch (error) {
      await closePipe(stdout)
      throw error
    }
  }

  /** The descriptors for a process that is started with them. */
  get writers(): { readonly stdout: number; readonly stderr: number } {
    return { stdout: this.#stdout.writer.fd, stderr: this.#stderr.writer.fd }
  }

  /**
   * Delivers a step's output until it has ended, and resolves to how it ended. Leftover processes that keep
   * the pipes open are not waited for. Rejects with the signal's reason, and with what the listener throws:
   * then the step may still be running.
   */
  async deliver<End>(
    ended: Promise<End>,
    output: OutputListener,
    signal: AbortSignal,
  ): Promise<End> {
    const marker = new EndMarker()
    const delivered = Promise.all([
      deliver(this.#stdout.reader, 'stdout', marker, output),
      deliver(this.#stderr.reader, 'stderr', marker, output),
    ])
    delivered.catch(() => {})
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    try {
      const end = await Promise.race([ended, delivered.then(() => ended), aborted.promise])
      await Promise.race([Promise.all([this.#mark(marker), delivered]), aborted.promise])
      return end
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([closePipe(this.#stdout), closePipe(this.#stderr)])
  }

  /** Writes the marker after everything that the script wrote. */
  async #mark(marker: EndMarker): Promise<void> {
    await Promise.all(
      [this.#stdout, this.#stderr].map(({ writer }) => writer.write(`${marker.token}\n`)),
    )
  }
}

/**
 * Delivers a stream up to the marker; what follows is discarded with the pipe. Rejects when the pipe is
 * closed before, and with what the listener throws.
 */
function deliver(
  reader: PipeReader,
  stream: OutputStream,
  marker: EndMarker,
  output: OutputListener,
): Promise<void> {
  const finder = marker.finder()
  return reader.read((chunk) => {
    const found = finder.feed(chunk)
    const delivered = found.output.length > 0 ? output(stream, found.output) : undefined
    const isEnd = found.facts !== undefined
    return delivered instanceof Promise ? delivered.then(() => isEnd) : isEnd
  })
}

async function openPipe(path: string): Promise<Pipe> {
  const reader = new PipeReader(path)
  try {
    return { reader, writer: await open(path, 'w') }
  } catch (error) {
    reader.destroy()
    throw error
  }
}

async function closePipe({ reader, writer }: Pipe): Promise<void> {
  reader.destroy()
  // The reader is gone by now, which ends a write of the marker that is still pending.
  await writer.close()
}
