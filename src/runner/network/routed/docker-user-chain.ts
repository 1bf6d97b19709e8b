import { isProgram, runProgram } from '../commands.ts'

/**
 * Docker makes the machine drop all forwarded packets except its own, but has a chain for others' rules,
 * DOCKER-USER, which it never changes. Two rules in it accept packets from and to jobs; our own table still
 * rejects what must be rejected. They are found by their comments.
 */
function rulesOf(prefix: string): readonly UserRule[] {
  const comment = `-m comment --comment "narwhal ${prefix}" -j ACCEPT`
  const answers = '-m conntrack --ctstate RELATED,ESTABLISHED'
  return [
    { way: `-i ${prefix}+`, rest: comment },
    { way: `-o ${prefix}+`, rest: `${answers} ${comment}` },
  ]
}

interface UserRule {
  /** Which packets: no other rule with our comment has it. */
  readonly way: string
  readonly rest: string
}

const CHAIN = 'DOCKER-USER'
const PROGRAMS = ['iptables', 'ip6tables'] as const
/** For another program's lock, in seconds. */
const WAIT = ['-w', '5']

/** Adds them if the chain exists and lacks them. Never rejects: the proof reports what is dropped. */
export async function allowInUserChain(prefix: string): Promise<void> {
  await forEachChain((listed) =>
    rulesOf(prefix)
      .filter(({ way }) => !listed.some((line) => isOurs(line, prefix) && line.includes(way)))
      .map(({ way, rest }) => `-I ${CHAIN} ${way} ${rest}`),
  )
}

/** However often they are there. */
export async function removeFromUserChain(prefix: string): Promise<void> {
  await forEachChain((listed) =>
    listed.filter((line) => isOurs(line, prefix)).map((line) => line.replace(/^-A /, '-D ')),
  )
}

/** `change` is given the chain's rules, and returns lines of iptables-restore(8), which runs all of them at once. */
async function forEachChain(
  change: (listed: readonly string[]) => readonly string[],
): Promise<void> {
  const changes = PROGRAMS.map(async (program) => {
    if (!(await isProgram(program))) return
    const listed = await runProgram(program, [...WAIT, '-S', CHAIN]).catch(() => undefined)
    if (listed === undefined) return
    const lines = change(listed.split('\n'))
    if (lines.length === 0) return
    const text = ['*filter', ...lines, 'COMMIT', ''].join('\n')
    await runProgram(`${program}-restore`, ['--noflush', ...WAIT], text).catch(() => {})
  })
  await Promise.all(changes)
}

function isOurs(line: string, prefix: string): boolean {
  return line.startsWith(`-A ${CHAIN} `) && line.includes(`narwhal ${prefix}`)
}
