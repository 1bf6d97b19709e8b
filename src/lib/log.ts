import { type Logger as PinoLogger, pino } from 'pino'

/** A structured logger: constant messages, facts as fields, the error under `err`. */
export type Logger = PinoLogger

/** Opens the process's logger on standard error: JSON lines, or human-readable ones. */
export async function openLog(options: {
  readonly level: string
  readonly pretty: boolean
}): Promise<Logger> {
  if (!options.pretty) return pino({ level: options.level }, pino.destination(2))
  const { default: pretty } = await import('pino-pretty')
  return pino(
    { level: options.level },
    pretty({
      destination: 2,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss.l',
      // One line per message; only stack traces take more.
      singleLine: true,
      sync: true,
    }),
  )
}

/** A logger without output, for tests and one-shot commands. */
export function silentLog(): Logger {
  return pino({ level: 'silent' })
}
