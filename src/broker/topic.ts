import { NarwhalError } from '../lib/errors.ts'

/** AMQP's own limit for a routing key, in bytes. */
const LONGEST_TOPIC = 255

/**
 * Makes the question "does this topic match?" from an AMQP topic pattern: words between dots, `*`
 * for exactly one word, `#` for any number of them, none included. Takes time in proportion to the
 * product of both lengths at worst, whatever the pattern.
 */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  checkPattern(pattern)
  const wanted = pattern.split('.')
  return (topic) => matches(wanted, topic.split('.'))
}

/** Throws `invalid` for a pattern that no AMQP broker would take. */
export function checkPattern(pattern: string): void {
  if (Buffer.byteLength(pattern) <= LONGEST_TOPIC) return
  throw new NarwhalError('invalid', `a topic pattern is longer than ${LONGEST_TOPIC} bytes`)
}

/** The greedy matching of wildcards: on a mismatch, the last `#` takes one word more. */
function matches(wanted: readonly string[], words: readonly string[]): boolean {
  let w = 0
  let hash = -1
  let takenUpTo = 0
  for (let i = 0; i < words.length; ) {
    if (wanted[w] === '#') {
      hash = w++
      takenUpTo = i
    } else if (w < wanted.length && (wanted[w] === '*' || wanted[w] === words[i])) {
      w++
      i++
    } else if (hash >= 0) {
      w = hash + 1
      i = ++takenUpTo
    } else {
      return false
    }
  }
  return wanted.slice(w).every((word) => word === '#')
}
