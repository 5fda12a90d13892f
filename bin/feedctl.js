#!/usr/bin/env node
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const built = new URL('../dist/bin/feedctl.js', import.meta.url)

if (major < 20 || (major === 20 && minor < 19)) refuse(`feedctl needs Node >= 20.19, this is ${process.versions.node}`)
else if (!existsSync(built)) refuse('feedctl is not built yet: npm run build')
else await import(built.href)

function refuse(words) {
  process.stderr.write(`${words}\n`)
  process.exitCode = 3
}
