#!/usr/bin/env node
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './prepare/bundle.js'

await bundle(join(fileURLToPath(import.meta.url), '../..'))
