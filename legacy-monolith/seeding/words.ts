/** Ordinary names, and those that break software. */
export const firstNames = [
  'Alice',
  'Bruno',
  'Chloé',
  'Dmitri',
  'Eszter',
  'Fatima',
  'Görkem',
  'Hana',
  'Ines',
  'Jürgen',
  'Kwame',
  'Łukasz',
  'Mei',
  'Niamh',
  'Oisín',
  'Priya',
  'Quentin',
  'Rosa',
  'Søren',
  'Thảo',
  'Uma',
  'Víctor',
  'Wanjiru',
  'Yusuf',
  'Zoë',
];
export const lastNames = [
  'Adeyemi',
  'Brown',
  'Castro',
  "D'Angelo",
  'Eriksson',
  'Fernández',
  'García',
  'Hansen',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lefèvre',
  'Müller',
  'Nguyễn',
  "O'Brien",
  'Petrović',
  'Quispe',
  'Rossi',
  'Smith',
  'Tanaka',
  'van der Berg',
  'Wu',
];
export const oddNames = [
  'مريم الحسن',
  'דוד לוי',
  '李小龍',
  'Robert "Bobby" Tables',
  "Robert'); DROP TABLE bookings;--",
  '🎟️ Ticket Fan 🎉',
  'Ana María\tde la Peña',
  'Nu\u0308ñez (combining)',
  '<b>Bold</b> & Co.',
  'null',
  '%_100% \\ Percy',
  'ẞ',
  '👩‍👩‍👧‍👦',
];
export const cities = [
  'Amsterdam',
  'Århus',
  'Bogotá',
  'Cluj-Napoca',
  'Dublin',
  'Düsseldorf',
  'Kraków',
  "L'Aquila",
  'Lagos',
  'Malmö',
  'São Paulo',
  'Toronto',
  '東京',
  'تونس',
  'Łódź',
  'St. John\u2019s',
];
export const bios = [
  'Goes to everything.',
  'Two lines:\nand the second one.',
  'Windows lines:\r\nthis is the second.',
  'Says "hello", means it; likes commas, too.',
  'I\u2019m only here for the jazz 🎷🎺',
  'أحب الموسيقى الكلاسيكية',
  '<script>alert("bio")</script>',
  '  leading and trailing spaces  ',
  `${'A long story. '.repeat(142)}The end.`,
];
export const venueNames = [
  'Old Exchange',
  'Corn Hall',
  'The Boiler House',
  'Städtisches Theater',
  'Olympia',
  "King's Arena",
  'Salle Pleyel-Nord',
  'Harbour Stage',
  'Teatro Colón Chico',
  'Riverside "Shed"',
  'Filharmonia',
  'Park Bowl',
];
export const acts = [
  'The Paper Lanterns',
  "Señor Ñandú's Orchestra",
  'Kings & Queens',
  'Déjà Vu',
  'MC 3,14',
  'Björk Tribute Band',
  'The "Quotes"',
  "Rock'n'Roll Circus",
  'فرقة النيل',
  'Quartetto Ébène Vert',
  '四季',
  'The Semi;colons',
  'Late Night Comics',
  'Symphony No. 5',
  '🎸 Loud!',
  'Hamlet',
  'A Midsummer Night\u2019s Dream',
  'City Derby',
];
export const occasions = [
  'Live',
  'Unplugged',
  'Farewell Tour',
  'Gala',
  'Première',
  'World Tour',
  'Matinée',
  'Festival',
];
export const categories = ['concert', 'theatre', 'comedy', 'sports', 'festival', 'kids & family'];
export const descriptions = [
  'Doors open one hour before the start.',
  'An evening that the papers called "unmissable".\n\nNo interval. No late admission.',
  'Bring a coat; it\u2019s outdoors. Children under 6 go free, dogs don\u2019t.',
  'Sing-along night 🎤 with surtitles: English, français, עברית.',
  '',
];
export const headlines = [
  'How we choose our seats',
  'Five venues you haven\u2019t been to',
  'What does "sold out" mean?',
  'Summer festivals, ranked',
  'Behind the counter',
  'Refunds: the honest version',
  'Été 2026 : le programme',
  'Interview: the sound engineer 🎚️',
];
export const paragraphs = [
  'It began, as these things do, with a queue around the block and one till.',
  'We asked our regulars; the answers surprised us, and then they didn\u2019t.',
  'Tip: the side balcony is cheaper & better. (You did not hear it from us.)',
  'Prices include the booking fee. They always have, they always will.',
];
export const remarks = [
  'Great read!',
  'I was there & it was "fine".',
  'First!',
  'Who\u2019s going on Saturday?',
  '👏👏👏',
  'شكرا',
  'Could you\nuse more\nline breaks?',
  '<a href="http://example.test">click</a>',
];

/** 'Déjà Vu – Live' to 'deja-vu-live'. */
export function slugify(text: string): string {
  const slug = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return slug || 'event';
}
