import { LONGEST_GLOB } from '../../../core/plan/glob.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'

const MOST_PATTERNS = 100
/** More than a path can have folders. */
const ALL_LEVELS = 10_000

/** Throws NarwhalError `invalid` for patterns that can't be meant, and says how they may be. */
export function checkPatterns(patterns: readonly string[]): void {
  const wrong = (why: string): NarwhalError => new NarwhalError('invalid', why)
  if (patterns.length === 0) throw wrong('there is no pattern of the files')
  if (patterns.length > MOST_PATTERNS) throw wrong(`there are more than ${MOST_PATTERNS} patterns`)
  for (const one of patterns) {
    const pattern = one.startsWith('!') ? one.slice(1) : one
    const named = JSON.stringify(one.slice(0, LONGEST_GLOB))
    if (one.length > LONGEST_GLOB) throw wrong(`${named} has more than ${LONGEST_GLOB} characters`)
    if (pattern.includes('\0')) throw wrong(`${named} holds a NUL character`)
    if (pattern.startsWith('/')) throw wrong(`${named}: write it from the workspace, without "/"`)
    if (pattern.endsWith('/')) throw wrong(`${named}: write "${pattern}**" for all in the folder`)
    if (pattern.split('/').some((part) => ['', '.', '..'].includes(part))) {
      throw wrong(`${named}: it may have no empty part, "." or ".."`)
    }
  }
}

/**
 * A POSIX shell script that lists what the patterns may match, and little else: each as a letter, its
 * path from `.`, and a NUL character. Everything in it is built into the shell. No link is walked through.
 *
 * `f`: a file; `d`: a folder; `l`: a link; `s`: a pipe, a socket or a device; `u`: a file that can't be read;
 * `U`: a folder that can't be looked into, or what lies too deep.
 */
export function listScript(patterns: readonly string[]): string {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  const calls = (wanted.length > 0 ? wanted : ['**']).map(callOf)
  return `${FUNCTIONS}${[...new Set(calls)].join('\n')}\n`
}

function callOf(pattern: string): string {
  const parts = pattern.split('/')
  const from = parts.findIndex((part) => /[*?]/.test(part))
  const folders = from < 0 ? parts.slice(0, -1) : parts.slice(0, from)
  const levels = pattern.includes('**') ? ALL_LEVELS : parts.length - from - 1
  const path = (count: number) => shellQuote(['.', ...parts.slice(0, count)].join('/'))
  const guards = folders.map((_, n) => `[ -d ${path(n + 1)} ] && [ ! -L ${path(n + 1)} ] &&`)
  const call = from < 0 ? `look ${path(parts.length)} 0` : `walk ${path(from)} ${levels}`
  return `if ${guards.join(' ')} :; then ${call}; fi`
}

const FUNCTIONS = `
LC_ALL=C
look() {
  if [ -L "$1" ]; then printf 'l%s\\0' "$1"
  elif [ -d "$1" ]; then
    printf 'd%s\\0' "$1"
    if [ "$2" -gt 0 ]; then walk "$1" "$(($2 - 1))"; fi
  elif [ -f "$1" ]; then
    if [ -r "$1" ]; then printf 'f%s\\0' "$1"; else printf 'u%s\\0' "$1"; fi
  elif [ -e "$1" ]; then printf 's%s\\0' "$1"
  elif [ "\${#1}" -gt 3800 ]; then printf 'U%s\\0' "$1"
  fi
}
walk() {
  if [ ! -r "$1" ] || [ ! -x "$1" ]; then
    printf 'U%s\\0' "$1"
    return
  fi
  for narwhal_path in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case $narwhal_path in */.git) continue ;; esac
    look "$narwhal_path" "$2"
  done
}
`
