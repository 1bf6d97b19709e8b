import {
  DEEPEST_EXPRESSION,
  type Expression,
  FUNCTIONS,
  type FunctionName,
  LEVELS,
  LONGEST_EXPRESSION,
  type Operator,
} from './syntax.ts'

/** An expression, or an error message and its position (in UTF-16 code units). */
export type ReadExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly message: string; readonly at: number }

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

const TOKEN =
  /\s*(?:'([^']*)'|"([^"]*)"|(\d{1,15}(?:\.\d{1,15})?)|([A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*)|(\|\||&&|[=!<>]=|[<>!()[\],]))/y

class SyntaxFault extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Parses an expression; never throws, and takes linear time. */
export function readExpression(text: string): ReadExpression {
  if (text.length > LONGEST_EXPRESSION) {
    return { ok: false, message: `has more than ${LONGEST_EXPRESSION} characters`, at: 0 }
  }
  try {
    const reader = new Reader(tokensOf(text))
    return { ok: true, expression: reader.readAll() }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    return { ok: false, message: error.message, at: error.at }
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) {
      const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0)
      const sign = String.fromCodePoint(text.codePointAt(at) ?? 32)
      const isQuote = sign === '"' || sign === "'"
      throw new SyntaxFault(isQuote ? 'has an unterminated string' : `can't contain ${sign}`, at)
    }
    const [, single, double, number, word, sign] = match
    const quoted = single ?? double
    const kind = quoted !== undefined ? 'text' : number ? 'number' : word ? 'word' : 'sign'
    const content = quoted ?? number ?? word ?? sign ?? ''
    const length = content.length + (quoted === undefined ? 0 : 2)
    tokens.push({ kind, text: content, at: TOKEN.lastIndex - length })
  }
  return [...tokens, { kind: 'end', text: 'the end', at: end }]
}

class Reader {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  readAll(): Expression {
    const expression = this.#binary(0)
    const { kind, text, at } = this.#peek()
    if (kind !== 'end') throw new SyntaxFault(`has an unexpected ${text}`, at)
    return expression
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level]
    if (!operators) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const operator = this.#takeOperator(operators)
      if (!operator) return left
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) }
    }
  }

  #takeOperator(operators: readonly Operator[]): Operator | undefined {
    const { kind, text } = this.#peek()
    const found =
      kind === 'sign' || kind === 'word' ? operators.find((one) => one === text) : undefined
    if (found) this.#next++
    return found
  }

  #unary(): Expression {
    const { at } = this.#peek()
    if (++this.#depth > DEEPEST_EXPRESSION) {
      throw new SyntaxFault(`is nested deeper than ${DEEPEST_EXPRESSION} levels`, at)
    }
    const expression: Expression = this.#take('!')
      ? { kind: 'not', of: this.#unary() }
      : this.#primary()
    this.#depth--
    return expression
  }

  #primary(): Expression {
    const token = this.#peek()
    this.#next++
    if (token.kind === 'text') return { kind: 'value', value: token.text }
    if (token.kind === 'number')
      return { kind: 'value', value: Number(token.text), text: token.text }
    if (token.kind === 'word') return this.#word(token)
    if (token.text === '(') {
      const inner = this.#binary(0)
      this.#expect(')')
      return inner
    }
    if (token.text === '[') return { kind: 'list', items: this.#items(']') }
    throw new SyntaxFault(`needs a value before ${token.text}`, token.at)
  }

  #word({ text, at }: Token): Expression {
    if (text === 'true' || text === 'false') return { kind: 'value', value: text === 'true' }
    if (text === 'null') return { kind: 'value', value: null }
    if (!this.#take('(')) return { kind: 'name', name: text, at }
    if (!Object.hasOwn(FUNCTIONS, text)) {
      const names = Object.keys(FUNCTIONS).join(', ')
      throw new SyntaxFault(`calls ${text}, which is not a function: use one of ${names}`, at)
    }
    const name = text as FunctionName
    const args = this.#items(')')
    if (args.length !== FUNCTIONS[name]) {
      const count = FUNCTIONS[name] === 1 ? 'one argument' : `${FUNCTIONS[name]} arguments`
      throw new SyntaxFault(`calls ${name} with ${args.length} arguments: it takes ${count}`, at)
    }
    return { kind: 'call', name, args }
  }

  #items(close: string): Expression[] {
    const items: Expression[] = []
    if (this.#take(close)) return items
    for (;;) {
      items.push(this.#binary(0))
      if (this.#take(close)) return items
      this.#expect(',')
    }
  }

  #take(sign: string): boolean {
    const { kind, text } = this.#peek()
    const isThere = kind === 'sign' && text === sign
    if (isThere) this.#next++
    return isThere
  }

  #expect(sign: string): void {
    if (this.#take(sign)) return
    const { text, at } = this.#peek()
    throw new SyntaxFault(`needs ${sign} before ${text}`, at)
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: 'the end', at: 0 }
  }
}
