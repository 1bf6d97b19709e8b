import { userInfo } from 'node:os'

/** Whose process this is, by the machine's names; a user without one is called by the number. */
export function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
