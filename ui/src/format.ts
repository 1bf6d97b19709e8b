/** Formats times, commits and amounts. Pure, so that tests can check them. */

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${pad(Math.floor(seconds % 60))} s`
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`
}

/** `just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.max(0, now - at) / 1000
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`
  if (seconds < 30 * 86_400) return `${Math.round(seconds / 86_400)} d ago`
  return new Date(at).toISOString().slice(0, 10)
}

/** The local time of day to the millisecond, for lines of a log. */
export function formatClock(at: number): string {
  const time = new Date(at)
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(':')
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

/** `0.012`, `3.400`, `2:05.120`: the offset of a log line. */
export function formatOffset(ms: number): string {
  const sign = ms < 0 ? '-' : ''
  const all = Math.abs(Math.round(ms))
  const minutes = Math.floor(all / 60_000)
  const seconds = ((all % 60_000) / 1000).toFixed(3)
  return minutes > 0 ? `${sign}${minutes}:${seconds.padStart(6, '0')}` : `${sign}${seconds}`
}

export function formatSha(sha: string): string {
  return sha.slice(0, 8)
}

/** `512 MB`, `7.8 GB`: powers of 1024. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0
  const amount = bytes / 1024 ** power
  return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`
}

/** `1 line`, `1,000 lines`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

function pad(part: number): string {
  return String(part).padStart(2, '0')
}
