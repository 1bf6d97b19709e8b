/** An entry of /etc/passwd. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** An entry of /etc/group. */
export interface Group {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** Lines that aren't entries are skipped: an image's mistake must not make anybody root. */
export function parseAccounts(text: string): readonly Account[] {
  return linesOf(text).flatMap(([name = '', , user, group, , home = '']) => {
    const [uid, gid] = [parseId(user), parseId(group)]
    return uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }]
  })
}

export function parseGroups(text: string): readonly Group[] {
  return linesOf(text).flatMap(([name = '', , group, members = '']) => {
    const gid = parseId(group)
    return gid === undefined ? [] : [{ name, gid, members: members.split(',').filter(Boolean) }]
  })
}

/** The largest id that Docker accepts. */
const LARGEST_ID = 2 ** 31 - 1

/** Undefined for anything but a decimal number in the range of ids. */
export function parseId(word: string | undefined): number | undefined {
  if (word === undefined || !/^\d{1,10}$/.test(word)) return undefined
  const id = Number(word)
  return id <= LARGEST_ID ? id : undefined
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.trim().split(':'))
}
