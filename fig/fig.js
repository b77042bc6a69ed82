#!/usr/bin/env node
import '@strangler-fig/kernel/require-node';

const { main } = await import('./main.ts');
await main(process.argv.slice(2));
