import { readFileSync } from 'node:fs'
import type { CliIo } from '../cli/terminal/cli-io.ts'
import { processIo } from '../cli/terminal/process-io.ts'
import { defaultDataFolder } from '../config/data-folder.ts'
import { readClientEnv } from '../config/env.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Launch, Stopping } from './context.ts'

/** This process, as the commands see it. */
export interface OwnProcess extends Pick<Launch, 'root' | 'version'> {
  readonly io: CliIo
  readonly stopping: Stopping
}

/**
 * Of `narwhal run`, which ends with its terminal. A service doesn't: one that was started by nohup(1) keeps
 * running.
 */
export const RUN_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** `signals` ask it to end: the first in good order, the second at once. `root` is the checkout or package. */
export function openProcess(root: string, signals: readonly NodeJS.Signals[]): OwnProcess {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
    version: string
  }
  const stopping: Stopping = { withinMs: 30_000, exitCode: 1 }
  const stop = new AbortController()
  for (const signal of signals) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(stopping.exitCode)
      stop.abort(new NarwhalError('cancelled', `ended by ${signal}`))
      setTimeout(() => process.exit(stopping.exitCode), stopping.withinMs).unref()
    })
  }
  const io = processIo({
    env: readClientEnv(),
    signal: stop.signal,
    dataFolder: defaultDataFolder(root),
  })
  return { io, root, version, stopping }
}

/** Ends it when its work is done, whatever is still open, such as a connection to an engine that doesn't answer. */
export function endAnyway({ stopping }: Pick<OwnProcess, 'stopping'>): void {
  setTimeout(() => process.exit(), stopping.withinMs).unref()
}
