import { SeededRandom } from '../../test/faults/seeded-random.ts'

const WORDS =
  'the quick module compiled tests passed in file src index worker cache error warning suite node'.split(
    ' ',
  )
const BLOCK_BYTES = 8_000_000

/**
 * Eight million bytes of lines as builds print them: a time, a level, words and numbers, about 100
 * characters each, the same at every run. No two of them are alike.
 */
export function printedBlock(): string {
  const random = new SeededRandom(7)
  const below = (bound: number) => Math.floor(random.next() * bound)
  const lines: string[] = []
  let bytes = 0
  for (let n = 0; bytes < BLOCK_BYTES; n++) {
    const time = `12:${two(below(60))}:${two(below(60))}.${below(1000)}`
    const words = Array.from({ length: 9 }, () => WORDS[below(WORDS.length)]).join(' ')
    const line = `${time} [${n}] ${words} ${below(1_000_000)} ms ${below(2 ** 31).toString(16)}`
    lines.push(line)
    bytes += line.length + 1
  }
  return `${lines.join('\n')}\n`
}

const two = (value: number): string => String(value).padStart(2, '0')
