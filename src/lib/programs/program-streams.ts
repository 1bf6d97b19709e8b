import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { openReader, openWriter } from '../pipes/open-fifo.ts'
import type { Streams } from './server-script.ts'
import { ENDED_PIPE, OPEN_PIPE, type StartOptions } from './started-program.ts'

/** This process's side of the streams of a program that is about to start. */
export interface ProgramStreams {
  readonly stdin?: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Where the program finds its own side. */
  readonly paths: Streams
  /** To be called once the program has opened its side, or never will: what it writes ends with it. */
  readonly handOver: () => void
}

/** How many FIFOs these options need. */
export function fifosFor({ input, output }: StartOptions): number {
  return (output === undefined ? 2 : 0) + (typeof input === 'symbol' ? 1 : 0)
}

export interface StreamFiles {
  readonly fifos: readonly string[]
  /** Written if there is some input. */
  readonly input: string
  /** Takes a FIFO back that nobody has open any more. */
  readonly giveBack: (fifo: string) => void
}

/** Takes the FIFOs and the file. */
export function openStreams(
  { input, output }: StartOptions,
  { fifos, input: inputFile, giveBack }: StreamFiles,
): ProgramStreams {
  const [stdout = '', stderr = ''] = fifos
  const stdin = stdinOf(input, fifos.at(-1) ?? '', inputFile)
  const own = input === OPEN_PIPE ? { stdin: openWriter(fifos.at(-1) ?? '') } : {}
  // Without it a FIFO would lose what is written and ended before the program has opened it.
  const held = own.stdin && stdin ? [openSync(stdin.path, constants.O_RDWR)] : []
  const forget = () => {
    for (const fd of held.splice(0)) closeSync(fd)
    if (stdin) rmSync(stdin.path, { force: true })
  }
  const given = output === 'none' ? { stdout: NOWHERE, stderr: NOWHERE } : output
  const paths = { ...(stdin ? { stdin } : {}), ...(given ?? { stdout, stderr }) }
  if (given) {
    const nothing = { stdout: Readable.from([]), stderr: Readable.from([]) }
    return { ...own, ...nothing, paths, handOver: forget }
  }
  // A program that gives its streams away may have given them to somebody who opens them again.
  const keep = input === ENDED_PIPE ? (path: string) => rmSync(path, { force: true }) : giveBack
  const readers = { stdout: readOnce(stdout, keep), stderr: readOnce(stderr, keep) }
  // Without a writer a reader would see the end before the program has opened its side.
  const writers = [stdout, stderr].map((path) => openSync(path, constants.O_WRONLY))
  const handOver = (): void => {
    for (const fd of writers.splice(0)) closeSync(fd)
    forget()
  }
  return { ...own, ...readers, paths, handOver }
}

/** Without a writer left a FIFO can be used again; one that is not read to its end can't. */
function readOnce(path: string, giveBack: (path: string) => void): Readable {
  const reader = openReader(path)
  reader.once('close', () => {
    if (reader.readableEnded) giveBack(path)
    else rmSync(path, { force: true })
  })
  return reader
}

const NOWHERE = '/dev/null'

function stdinOf(
  input: StartOptions['input'],
  fifo: string,
  file: string,
): Streams['stdin'] | undefined {
  if (input === undefined) return undefined
  if (typeof input === 'symbol') return { path: fifo, isFifo: true }
  writeFileSync(file, input, { mode: 0o600 })
  return { path: file, isFifo: false }
}
