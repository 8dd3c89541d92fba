// expect: a message may have at most 200 members
// SPDX-License-Identifier: BSL-1.0
// A struct with 201 members is refused.
#include <troupe/mailbox/sendable.hpp>

// clang-format off
struct message {
  int m0; int m1; int m2; int m3; int m4; int m5; int m6; int m7; int m8; int m9; int m10; int m11; int m12; int m13; int m14; int m15; int m16; int m17; int m18; int m19;
  int m20; int m21; int m22; int m23; int m24; int m25; int m26; int m27; int m28; int m29; int m30; int m31; int m32; int m33; int m34; int m35; int m36; int m37; int m38; int m39;
  int m40; int m41; int m42; int m43; int m44; int m45; int m46; int m47; int m48; int m49; int m50; int m51; int m52; int m53; int m54; int m55; int m56; int m57; int m58; int m59;
  int m60; int m61; int m62; int m63; int m64; int m65; int m66; int m67; int m68; int m69; int m70; int m71; int m72; int m73; int m74; int m75; int m76; int m77; int m78; int m79;
  int m80; int m81; int m82; int m83; int m84; int m85; int m86; int m87; int m88; int m89; int m90; int m91; int m92; int m93; int m94; int m95; int m96; int m97; int m98; int m99;
  int m100; int m101; int m102; int m103; int m104; int m105; int m106; int m107; int m108; int m109; int m110; int m111; int m112; int m113; int m114; int m115; int m116; int m117; int m118; int m119;
  int m120; int m121; int m122; int m123; int m124; int m125; int m126; int m127; int m128; int m129; int m130; int m131; int m132; int m133; int m134; int m135; int m136; int m137; int m138; int m139;
  int m140; int m141; int m142; int m143; int m144; int m145; int m146; int m147; int m148; int m149; int m150; int m151; int m152; int m153; int m154; int m155; int m156; int m157; int m158; int m159;
  int m160; int m161; int m162; int m163; int m164; int m165; int m166; int m167; int m168; int m169; int m170; int m171; int m172; int m173; int m174; int m175; int m176; int m177; int m178; int m179;
  int m180; int m181; int m182; int m183; int m184; int m185; int m186; int m187; int m188; int m189; int m190; int m191; int m192; int m193; int m194; int m195; int m196; int m197; int m198; int m199;
  int m200;
};
// clang-format on

void send() {
  troupe::detail::assert_sendable<message>();
}
