// Cooperative matrices of 8 x 8: halves multiplied into single sums.
enable f16;
enable wgpu_cooperative_matrix;
alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;
const EDGE: u32 = 8u;
