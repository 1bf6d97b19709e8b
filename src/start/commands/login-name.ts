import { userInfo } from 'node:os'

/** The login name of this process's user, or its uid. */
export function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
