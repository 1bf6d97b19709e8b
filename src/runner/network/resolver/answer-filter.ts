import { isIP } from 'node:net'
import { type Answer, decode, encode } from 'dns-packet'

/** Makes of an answer what the asker may have; the question is as it was asked. */
export type AnswerFilter = (answer: Buffer, question: Buffer) => Buffer

const RCODES = { NOERROR: 0, SERVFAIL: 2 } as const

/**
 * Leaves out the addresses that are closed to who asks: a name of the outside must not lead to the
 * inside, and what the inside is called is nobody's business there.
 */
export function withoutAddresses(isClosed: (address: string) => boolean): AnswerFilter {
  const isOpen = (record: Answer) =>
    !(record.type === 'A' || record.type === 'AAAA') ||
    (isIP(record.data) !== 0 && !isClosed(record.data))
  return (answer, question) => {
    try {
      const packet = decode(answer)
      const { answers = [], additionals = [] } = packet
      // What need not be changed is given on as it is, byte for byte.
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

/** An answer to the question without any record. */
export function emptyAnswer(question: Buffer, rcode: keyof typeof RCODES): Buffer {
  const end = endOfQuestion(question)
  const answer = Buffer.from(question.subarray(0, end))
  // It is an answer; what kind of question it was is given back; recursion there is.
  answer[2] = 0x80 | ((question[2] ?? 0) & 0x79)
  answer[3] = 0x80 | RCODES[rcode]
  answer.fill(0, 4, 12)
  if (end > 12) answer.writeUInt16BE(1, 4)
  return answer
}

/** Behind the first question; where there is none that can be read, behind the header. */
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
