import { LONGEST_GLOB } from '../../../core/plan/glob.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'

const MOST_PATTERNS = 100
/** More levels than a path can have. */
const ALL_LEVELS = 10_000

/** Throws `invalid` for malformed patterns, and says how to write them. */
export function checkPatterns(patterns: readonly string[]): void {
  const wrong = (why: string): NarwhalError => new NarwhalError('invalid', why)
  if (patterns.length === 0) throw wrong('no pattern is given')
  if (patterns.length > MOST_PATTERNS) throw wrong(`there are more than ${MOST_PATTERNS} patterns`)
  for (const one of patterns) {
    const pattern = one.startsWith('!') ? one.slice(1) : one
    const named = JSON.stringify(one.slice(0, LONGEST_GLOB))
    if (one.length > LONGEST_GLOB) throw wrong(`${named} has more than ${LONGEST_GLOB} characters`)
    if (pattern.includes('\0')) throw wrong(`${named} contains a NUL character`)
    if (pattern.startsWith('/'))
      throw wrong(`${named}: write it relative to the workspace, without "/"`)
    if (pattern.endsWith('/'))
      throw wrong(`${named}: write "${pattern}**" for everything in the folder`)
    if (pattern.split('/').some((part) => ['', '.', '..'].includes(part))) {
      throw wrong(`${named}: it must have no empty part, "." or ".."`)
    }
  }
}

/**
 * A POSIX shell script that lists what the patterns may match, and little else: each as a letter, its path
 * from `.`, and a NUL. Uses shell built-ins only, and follows no links.
 *
 * `f`: a file; `d`: a folder; `l`: a link; `s`: a pipe, socket or device; `u`: an unreadable file; `U`: an
 * unreadable folder, or one that is too deep.
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
