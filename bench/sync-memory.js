import '@strangler-fig/kernel/require-node';

await import('./sync/memory.ts');
