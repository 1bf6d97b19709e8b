/** Default of `--log-size`: how many bytes of text an attempt may print before lines are omitted. */
export const LOG_BYTES = 1024 ** 3
/** The minimum: the end of a log is always kept. */
export const LEAST_LOG_BYTES = 16 * 1024 ** 2
/** The end of a log that is always kept. */
export const LOG_TAIL_BYTES = 4 * 1024 ** 2
/** A job that prints this many times its limit is ended: nobody will ever read that. */
export const FLOOD_TIMES = 10
/** What each chunk counts besides its text: a row for a few bytes isn't free. */
export const LOG_PART_BYTES = 64

/** `1 GiB`, `64 MiB`, `1.5 KiB`. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let unit = 0
  let amount = bytes
  for (; amount >= 1024 && unit < units.length - 1; unit++) amount /= 1024
  const digits = Number.isInteger(amount) || amount >= 100 ? 0 : 1
  return `${amount.toFixed(digits)} ${units[unit]}`
}

/** Written where omission begins, at once: a reader who follows the log sees nothing more for now. */
export function cutInWords(maxBytes: number): string {
  return `the log exceeds ${bytesInWords(maxBytes)} (--log-size): from here on lines are omitted, and the end follows when the job has finished`
}

/** Written after that, where the log continues. */
export function leftOutInWords(left: { lines: number; bytes: number }, maxBytes: number): string {
  const lines = left.lines === 1 ? '1 line' : `${left.lines} lines`
  const limit = `the limit of a log is ${bytesInWords(maxBytes)} (--log-size)`
  return `${lines} (${bytesInWords(left.bytes)}) omitted here: ${limit}`
}

/** Why a job that kept printing was ended. */
export function floodInWords(maxBytes: number): string {
  return `log_limit: the job printed more than ${FLOOD_TIMES} times the limit of ${bytesInWords(maxBytes)} (--log-size)`
}
