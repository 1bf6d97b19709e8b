import { createHash } from 'node:crypto'

/** Distinguishes what a runner makes on its machine from what others make: six hexadecimal digits. */
export function runnerId(instance: string): string {
  return createHash('sha256').update(instance).digest('hex').slice(0, 6)
}
