import { isIP } from 'node:net'
import { type Answer, decode, encode } from 'dns-packet'

/** Reduces an answer to what the client may see; the question is as received. */
export type AnswerFilter = (answer: Buffer, question: Buffer) => Buffer

const RCODES = { NOERROR: 0, SERVFAIL: 2 } as const

/**
 * Removes addresses that are closed to the client: a public name must not lead into the private network (DNS
 * rebinding), and internal names stay private.
 */
export function withoutAddresses(isClosed: (address: string) => boolean): AnswerFilter {
  const isOpen = (record: Answer) =>
    !(record.type === 'A' || record.type === 'AAAA') ||
    (isIP(record.data) !== 0 && !isClosed(record.data))
  return (answer, question) => {
    try {
      const packet = decode(answer)
      const { answers = [], additionals = [] } = packet
      // Unchanged answers are passed on byte for byte.
      if ([...answers, ...additionals].every(isOpen)) return answer
      return encode({
        ...packet,
        answers: answers.filter(isOpen),
        additionals: additionals.filter(isOpen),
      })
    } catch {
      return emptyAnswer(question, 'SERVFAIL')
    }
  }
}

/** An answer to the question without records. */
export function emptyAnswer(question: Buffer, rcode: keyof typeof RCODES): Buffer {
  const end = endOfQuestion(question)
  const answer = Buffer.from(question.subarray(0, end))
  // A response with the question's opcode; recursion is available.
  answer[2] = 0x80 | ((question[2] ?? 0) & 0x79)
  answer[3] = 0x80 | RCODES[rcode]
  answer.fill(0, 4, 12)
  if (end > 12) answer.writeUInt16BE(1, 4)
  return answer
}

/** The offset after the first question; if it can't be parsed, after the header. */
function endOfQuestion(message: Buffer): number {
  let at = 12
  while (at < message.length) {
    const length = message[at] ?? 0
    if (length === 0) return at + 5 <= message.length ? at + 5 : 12
    if (length > 63) return 12
    at += length + 1
  }
  return 12
}
