import '@strangler-fig/kernel/require-node';

await import('./main.ts');
