import { parentPort } from 'node:worker_threads'
import { type ReadResult, type ReadTask, readFile } from './read-file.js'

export type ThreadAnswer = readonly { readonly number: number; readonly result: ReadResult }[]

parentPort?.on('message', (tasks: readonly ReadTask[]) => {
  const answer = tasks.map(task => ({ number: task.number, result: readFile(task) }))
  const contents = answer.flatMap(({ result }) => ('content' in result && result.content !== null ? [result.content.buffer] : []))
  parentPort?.postMessage(answer satisfies ThreadAnswer, contents as ArrayBuffer[])
})
