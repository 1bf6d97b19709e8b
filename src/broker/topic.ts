import { NarwhalError } from '../lib/errors.ts'

/** AMQP's own limit for a routing key, in bytes. */
const MAX_TOPIC = 255

/**
 * A predicate for topics that match an AMQP pattern: words between dots, `*` for exactly one word, `#`
 * for zero or more. Takes time proportional to the product of both lengths at worst.
 */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  checkPattern(pattern)
  const wanted = pattern.split('.')
  return (topic) => matches(wanted, topic.split('.'))
}

/** Throws `invalid` for a pattern that no AMQP broker would accept. */
export function checkPattern(pattern: string): void {
  if (Buffer.byteLength(pattern) <= MAX_TOPIC) return
  throw new NarwhalError('invalid', `a topic pattern must not exceed ${MAX_TOPIC} bytes`)
}

/** Greedy wildcard matching: on a mismatch, the last `#` takes one more word. */
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
