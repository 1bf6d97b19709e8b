/** What an attempt may print, in bytes of text, before something is left out. The operator's `--log-size`. */
export const LOG_BYTES = 1024 ** 3
/** Less can't be asked for: the end of a log is always kept. */
export const LEAST_LOG_BYTES = 16 * 1024 ** 2
/** The end of a log that is kept, however much comes before it. */
export const LOG_TAIL_BYTES = 4 * 1024 ** 2
/** A job that prints so many times its limit is ended: nobody will ever read that. */
export const FLOOD_TIMES = 10
/** What a part of a log counts besides its text: a row for a few letters is not for nothing. */
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

/** Stands in a log from where something is left out, at once: whoever follows it sees nothing more for now. */
export function cutInWords(maxBytes: number): string {
  return `more than ${bytesInWords(maxBytes)} (--log-size) is printed: from here on lines are left out, and the end follows when the job is over`
}

/** Stands in a log, behind that, where it goes on. */
export function leftOutInWords(left: { lines: number; bytes: number }, maxBytes: number): string {
  const lines = left.lines === 1 ? '1 line' : `${left.lines} lines`
  const limit = `a log may have ${bytesInWords(maxBytes)} (--log-size)`
  return `${lines} (${bytesInWords(left.bytes)}) are left out here: ${limit}`
}

/** Why a job was ended that would not stop printing. */
export function floodInWords(maxBytes: number): string {
  const most = `${FLOOD_TIMES} times the ${bytesInWords(maxBytes)} that a log may have (--log-size)`
  return `log_limit: the job printed more than ${most}`
}
