import { basename } from 'node:path'
import ts from 'typescript'
import type { SourceFile } from './tree.js'

const MOST_LINES = 300
const EMPTY_NAMES = /^(utils?|helpers?|types?|common|managers?)$/
const MARKERS = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`)
const FOCUS = /\b(test|it|describe)(\.\w+)*\.only\b/
const TERMINAL = 'src/cli/io.ts'

/** What the house does not allow in a file: each fault in a few words, with its line where it has one. */
export function faultsOf(file: SourceFile): string[] {
  const lines = file.text.trimEnd().split('\n')
  const faults: string[] = []
  if (lines.length > MOST_LINES) faults.push(`${lines.length} lines`)
  if (
    basename(file.path)
      .split(/[.-]/)
      .some(word => EMPTY_NAMES.test(word))
  )
    faults.push('a name that says nothing')
  for (const [index, line] of lines.entries()) {
    const marker = MARKERS.exec(line)?.[0]
    if (marker !== undefined) faults.push(`${marker} in line ${index + 1}`)
    if (FOCUS.test(line)) faults.push(`a focused test in line ${index + 1}`)
  }
  const isOurs = file.path.startsWith('src/') || file.path.startsWith('commands/')
  if (isOurs && file.path !== TERMINAL) faults.push(...reachesForTerminal(file))
  return faults
}

/** Uses of the process's environment and of the console, however they are spelt; comments and texts do not count. */
function reachesForTerminal(file: SourceFile): string[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
  const faults: string[] = []
  const visit = (node: ts.Node): void => {
    const what = isEnvironment(node) ? 'process.env' : isConsole(node) ? 'console' : null
    if (what !== null) faults.push(`${what} in line ${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return faults
}

function isEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression)
  if (ts.isElementAccessExpression(node)) return isText(node.argumentExpression, 'env') && isProcess(node.expression)
  if (ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isObjectBindingPattern(node.name)) {
    return (
      isProcess(node.initializer) &&
      node.name.elements.some(element => (element.propertyName ?? element.name).getText() === 'env')
    )
  }
  if (!ts.isImportSpecifier(node)) return false
  const from = node.parent.parent.parent.moduleSpecifier
  return (node.propertyName ?? node.name).text === 'env' && (isText(from, 'process') || isText(from, 'node:process'))
}

function isProcess(node: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'process' && node.expression.getText() === 'globalThis'
  return ts.isIdentifier(node) && node.text === 'process'
}

function isConsole(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) return isText(node.moduleSpecifier, 'node:console') || isText(node.moduleSpecifier, 'console')
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'console' && node.expression.getText() === 'globalThis'
  if (!ts.isIdentifier(node) || node.text !== 'console') return false
  const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node
  return !isMember && !ts.isPropertyAssignment(node.parent) && !ts.isPropertySignature(node.parent)
}

function isText(node: ts.Expression, text: string): boolean {
  return ts.isStringLiteralLike(node) && node.text === text
}
