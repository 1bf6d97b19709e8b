import { NarwhalError } from '../../../../../lib/errors.ts'
import { withHiddenShown } from '../../../../../lib/hostile-text.ts'
import { type Account, type Group, parseAccounts, parseGroups, parseId } from './account-files.ts'

/** Who a container's first process is. */
export interface ContainerUser {
  readonly uid: number
  readonly gid: number
  /** All groups, the first of them `gid`. */
  readonly groups: readonly number[]
  readonly home: string
}

/** The texts of an image's /etc/passwd and /etc/group; undefined where it has no such regular file. */
export interface AccountTexts {
  readonly passwd?: string | undefined
  readonly group?: string | undefined
}

export const ROOT_USER: ContainerUser = { uid: 0, gid: 0, groups: [0], home: '/root' }

/**
 * Resolves the `USER` of an image or container (`name`, `name:group`, numbers for either; empty: root) by the
 * image's own files, never by the machine's, with Docker's rules: a word of digits is always an id, which
 * needs no entry; the groups that list a user count unless a group is given. Throws `invalid` for an unknown
 * name and for an id that no kernel has.
 */
export function containerUser(wanted: string, texts: AccountTexts): ContainerUser {
  const separator = wanted.indexOf(':')
  const userWord = separator < 0 ? wanted : wanted.slice(0, separator)
  const groupWord = separator < 0 ? '' : wanted.slice(separator + 1)
  const account = findAccount(userWord, parseAccounts(texts.passwd ?? ''))
  const groups = parseGroups(texts.group ?? '')
  const { uid, home } = account
  if (groupWord !== '') {
    const gid = groupId(groupWord, groups)
    return { uid, gid, groups: [gid], home }
  }
  const further = groups.filter(({ members }) => account.name && members.includes(account.name))
  const all = new Set([account.gid, ...further.map(({ gid }) => gid)])
  return { uid, gid: account.gid, groups: [...all], home }
}

function findAccount(word: string, accounts: readonly Account[]): Account {
  const id = word === '' ? 0 : parseId(word)
  const found = accounts.find(({ name, uid }) => (id === undefined ? name === word : uid === id))
  if (found) return { ...found, home: found.home.startsWith('/') ? found.home : '/' }
  if (id !== undefined) return { name: '', uid: id, gid: 0, home: '/' }
  throw unknown('user', word, 'passwd')
}

function groupId(word: string, groups: readonly Group[]): number {
  const id = parseId(word)
  if (id !== undefined) return id
  const found = groups.find(({ name }) => name === word)
  if (found) return found.gid
  throw unknown('group', word, 'group')
}

const MOST_SHOWN = 64

function unknown(kind: 'user' | 'group', word: string, file: string): NarwhalError {
  const shown = withHiddenShown(word.slice(0, MOST_SHOWN))
  const reason = /^\d+$/.test(word)
    ? 'ids must be in the range 0 to 2147483647'
    : `no matching entries in the image's /etc/${file}`
  return new NarwhalError('invalid', `unable to find ${kind} "${shown}": ${reason}`)
}
