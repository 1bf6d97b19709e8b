import { Composer, type CST, type Document, Lexer, Parser } from 'yaml'
import { limits } from '../limits.ts'
import type { Fault } from './excerpt.ts'

export type ReadDocument =
  | { readonly ok: true; readonly document: Document.Parsed }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** What the `yaml` package's lexer emits before a plain scalar. */
const SCALAR = '\u001f'

/** The parser's stack also holds the document and the current scalar. */
const STACK_BESIDES = 2

/**
 * Parses the single YAML document in a text. Limits are checked while lexing, before the stages with
 * superlinear cost: composing recurses as deep as the text nests.
 */
export function readDocument(text: string): ReadDocument {
  const read = readTokens(text)
  if (!Array.isArray(read)) return { ok: false, faults: [read] }
  const composer = new Composer({
    schema: 'core',
    resolveKnownTags: false,
    // Checked when mappings are read: here it would take quadratic time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents = composer.compose(read, true, text.length)
  const document = documents.next().value as Document.Parsed
  const faults = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    offset: pos[0],
    message: WORDS[code] ?? `can't be read as YAML: ${lowerFirst(message)}`,
  }))
  const next = documents.next()
  if (!next.done) {
    const offset = next.value.range[0]
    faults.push({ offset, message: 'a second document begins here: the file must have only one' })
  }
  if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
    faults.push({
      offset: 0,
      message: 'the file asks for a YAML version other than 1.2: remove the directive',
    })
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, document }
}

const WORDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab can't indent a line in YAML: use spaces",
  TAG_RESOLVE_FAILED: "unknown tag: only YAML's own, such as !!str, are allowed",
  MULTIPLE_DOCS: 'a second document begins here: the file must have only one',
}

/** The tokens of the text, or the first limit exceeded. */
function readTokens(text: string): CST.Token[] | Fault {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  const counts = { lexemes: 0, nodes: 0, aliases: 0 }
  let isContent = false
  for (const lexeme of new Lexer().lex(text)) {
    counts.lexemes++
    if (!isContent) {
      const sign = lexeme[0]
      if (sign === '*') counts.aliases++
      if (lexeme === SCALAR || sign === '*' || lexeme === '[' || lexeme === '{') counts.nodes++
    }
    isContent = lexeme === SCALAR
    for (const token of parser.next(lexeme)) tokens.push(token)
    const fault = breach(counts, parser.stack.length - STACK_BESIDES)
    if (fault) return { offset: parser.offset, message: fault }
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

function breach(
  counts: { readonly lexemes: number; readonly nodes: number; readonly aliases: number },
  depth: number,
): string | undefined {
  if (depth > limits.depth) return `the file is nested deeper than ${limits.depth} levels`
  if (counts.aliases > limits.aliases) return `there are more than ${limits.aliases} aliases`
  if (counts.nodes > limits.nodes) return tooManyValues
  if (counts.lexemes > limits.lexemes)
    return `the file is too long: at most ${limits.lexemes} words, signs and line ends are allowed`
  return undefined
}

export const tooManyValues = `the file contains more than ${limits.nodes} values, counting each alias as what it repeats`

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
